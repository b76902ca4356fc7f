# Wine for the tests: one prefix, and one server for all programs, which lasts from start_wine to stop_wine.
#
# A program that finds no server starts one, and lends it its stderr; two servers on one prefix write the same registry, and complain
# there. Debian's Wine looks for the server below TMPDIR, and each test has its own: so here is one for all, in
# CLAUDE_TESTS_WINE_SERVER, which `variables` in tests/support/toolchain.rs hands on. The server gets no descriptor of ours, and a
# program that only waits keeps it and Wine's services from ending.

start_wine() { # FOLDER
    export WINEPREFIX=$1/wine CLAUDE_TESTS_WINE_SERVER=$1/server WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
    wine_env=(env "TMPDIR=$CLAUDE_TESTS_WINE_SERVER" "XDG_RUNTIME_DIR=$CLAUDE_TESTS_WINE_SERVER")
    stop_wine # what a run that was killed has left
    rm -rf "$CLAUDE_TESTS_WINE_SERVER"
    [ -f "$WINEPREFIX/ready" ] || rm -rf "$WINEPREFIX"
    mkdir -p "$CLAUDE_TESTS_WINE_SERVER" "$WINEPREFIX"
    chmod 700 "$CLAUDE_TESTS_WINE_SERVER"
    "${wine_env[@]}" wineserver -f -p </dev/null >/dev/null 2>&1 &
    wine_server=$!
    wait_for_socket || return 1
    [ -f "$WINEPREFIX/ready" ] || make_prefix || return 1
    coproc wine_waits { exec "${wine_env[@]}" wine cmd /c pause >/dev/null 2>&1; }
    quietly timeout 120 wine cmd /c exit
}

quietly() { "${wine_env[@]}" "$@" </dev/null >/dev/null 2>&1; }

wine_sockets() { find "$CLAUDE_TESTS_WINE_SERVER" -name socket -type s; }

wait_for_socket() {
    local tries=600
    while [ -z "$(wine_sockets)" ]; do
        kill -0 "$wine_server" 2>/dev/null && [ $((tries -= 1)) -gt 0 ] || return 1
        sleep 0.1
    done
}

# A crash gives its own exit code, and no debugger starts.
make_prefix() {
    local key='HKLM\Software\Microsoft\Windows NT\CurrentVersion\AeDebug'
    quietly wine wineboot -i && quietly wine reg add "$key" /v Debugger /t REG_SZ /d '' /f &&
        quietly wine reg add "$key" /v Auto /t REG_SZ /d 0 /f && touch "$WINEPREFIX/ready"
}

# Whether the server that was started is still the only one there.
wine_has_lasted() {
    kill -0 "$wine_server" 2>/dev/null && [ "$(wine_sockets | wc -l)" = 1 ]
}

stop_wine() {
    [ -n "${wine_env:-}" ] || return 0
    quietly timeout 30 wineserver -k || true
    # Wine's own programs do not always see that their server has gone, and wait for it.
    local program
    for program in $(grep -lszxF "TMPDIR=$CLAUDE_TESTS_WINE_SERVER" /proc/[0-9]*/environ); do
        program=${program#/proc/}
        kill -KILL "${program%/environ}" 2>/dev/null || true
    done
    wait 2>/dev/null || true
}
