#!/bin/bash
# `make chaos`: builds the driver, then runs one seed after the other for SECONDS in all.
# SANITIZE=address builds it with AddressSanitizer; SANITIZE=thread is tests/races/tsan.sh, one seed for all the time. SEED=N begins with that seed instead of today's.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${SECONDS_IN_ALL:-60}" each="${SECONDS_EACH:-15}" seed="${SEED:-$(date +%Y%m%d)}" sanitize="${SANITIZE:-}"
limit=120
[ "$sanitize" != thread ] || CHAOS_SECONDS=$seconds SEED=$seed exec tests/races/tsan.sh chaos
cargo="${CARGO:-cargo}"

"$cargo" build -q -p claude-testkit --bins
plain="$("$cargo" metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/debug"
case "$sanitize" in
'')
    "$cargo" build -q -p claude-chaos
    programs="$plain"
    ;;
address)
    host="$(rustc -vV | sed -n 's/^host: //p')"
    # The sanitizer is not stable in Rust yet; the compiler is.
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=$sanitize" \
        "$cargo" build -q -p claude-chaos --target "$host" --target-dir "build/$sanitize"
    programs="build/$sanitize/$host/debug"
    # The stand-in CLI as it is: it is not what is looked at.
    cp "$plain/fake-claude" "$programs/"
    # What a seed leaves is counted by the driver; forked copies and the CLIs would be told of it as well.
    export ASAN_OPTIONS="detect_leaks=0:abort_on_error=0:detect_stack_use_after_return=0:${ASAN_OPTIONS:-}"
    limit=300
    ;;
*)
    echo "chaos: SANITIZE=$sanitize is not known; there are address and thread" >&2
    exit 2
    ;;
esac

mkdir -p build/chaos
end=$((SECONDS + seconds)) seeds=0
while [ $SECONDS -lt $end ]; do
    left=$((end - SECONDS))
    log="build/chaos/seed-$seed.log"
    if ! "$programs/claude-chaos" --seed "$seed" --seconds $((left < each ? left : each)) --limit-seconds $limit >"$log" 2>&1; then
        head -c 20000 "$log"
        echo "chaos: FAILED with seed $seed after $seeds seeds; all of it is in $log"
        exit 1
    fi
    grep '^chaos: seed' "$log"
    seed=$((seed + 1)) seeds=$((seeds + 1))
done
echo "chaos${sanitize:+ with $sanitize sanitizer}: $seeds seeds, every promise kept"
