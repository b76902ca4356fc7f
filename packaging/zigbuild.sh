#!/bin/bash
# `cargo zigbuild` with the words given: zig's C compiler links for systems that are not here, and for glibc of an old version. Both
# tools are put below build/zig. The standard library is compiled as well where no ready-made one is installed.
# usage: zigbuild.sh --target TARGET [WORDS]      fails with 3 where a tool cannot be had
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/build/zig

if [ ! -x "$tools/bin/cargo-zigbuild" ]; then
    python3 -m venv "$tools" && "$tools/bin/pip" install -q ziglang==0.15.2 cargo-zigbuild==0.24.1 ||
        { echo "zigbuild.sh: pip cannot install ziglang and cargo-zigbuild; is python3-venv there?" >&2; exit 3; }
fi
# pip's zig is a module, which this starts.
export CARGO_ZIGBUILD_ZIG_PATH=$tools/bin/python-zig CARGO_ZIGBUILD_CACHE_DIR=$tools/cache ZIG_GLOBAL_CACHE_DIR=$tools/cache
PATH=$tools/bin:$PATH exec cargo-zigbuild zigbuild "$@"
