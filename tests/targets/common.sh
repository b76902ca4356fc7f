# What the scripts beside this one share, and tests/races/tsan.sh: settings of a build below build/targets, with warnings as errors,
# and without a toolchain for the target: the standard library is compiled from the source of this rustc.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

# With the settings of such a build, which are not those of the tests themselves.
cross() { # COMMAND
    env CARGO_TARGET_DIR="$root/build/targets" CARGO_PROFILE_DEV_DEBUG=line-tables-only RUSTC_BOOTSTRAP=1 \
        __CARGO_TESTS_ONLY_SRC_ROOT="$std" "$@"
}

missing() { # NAME WHAT
    if [ "${CLAUDE_TESTS_NO_SKIP:-}" = 1 ]; then
        echo "$1: FAILED: CLAUDE_TESTS_NO_SKIP=1, and $2"
        exit 1
    fi
    echo "SKIPPED $1: $2"
    exit 0
}

# Without the source of std nothing here can be done: the one reason for which a machine may leave it out.
need_std() { # NAME OF THE GROUP
    std=$(testkit/std-source.sh build/std) && return
    echo "SKIPPED $1: there is no package rust-src for $(rustc --version): use a rustc that Debian's backports have the source of"
    exit 0
}

# Joined with the flags that .cargo/config.toml has for a target; the variable RUSTFLAGS would take their place.
strict=(-Zbuild-std=std,panic_unwind --config 'target."cfg(all())".rustflags=["-Dwarnings"]')
