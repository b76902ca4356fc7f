#!/bin/sh
# `make release-linux` calls this with ARCHES (x86_64, aarch64), VERSION, SO_VERSION and NATIVE_LIBS: for each processor a folder and
# an archive in build/release, to be unpacked anywhere, with a library that runs on every Linux with glibc 2.17 or newer.
set -eu
cd "$(dirname "$0")/.."
: "${ARCHES:?}" "${VERSION:?}" "${SO_VERSION:?}" "${NATIVE_LIBS:?}"
FLOOR=2.17

release() { # PROCESSOR
    target=$1-unknown-linux-gnu
    tools=$1-linux-gnu- name=claude-client-$VERSION-linux-$1
    command -v "${tools}ld" >/dev/null || { echo "${tools}ld is missing: apt-get install binutils-$1-linux-gnu" >&2; exit 1; }
    # The toolchain has a standard library for its own processor only.
    if [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
        packaging/zigbuild.sh --release --lib --target "$target.$FLOOR"
    else
        RUSTC_BOOTSTRAP=1 __CARGO_TESTS_ONLY_SRC_ROOT=$(testkit/std-source.sh build/std) \
            packaging/zigbuild.sh -Zbuild-std=std,panic_unwind --release --lib --target "$target.$FLOOR"
    fi
    rm -rf "build/release/$name"
    ACTION=install BUILT=$CARGO_TARGET_DIR/$target/release PREFIX=$PWD/build/release/$name STRIP="${tools}strip --strip-unneeded" \
        LD=${tools}ld OBJCOPY=${tools}objcopy AR=${tools}ar packaging/install.sh
    packaging/glibc-floor.sh "$FLOOR" "build/release/$name/lib/libclaude_client.so"
    tar -czf "build/release/$name.tar.gz" -C build/release "$name"
    echo "release-linux: build/release/$name.tar.gz, $(wc -c <"build/release/$name.tar.gz") bytes"
}

export CARGO_TARGET_DIR="$PWD/build/targets" VERSION SO_VERSION NATIVE_LIBS
for arch in $ARCHES; do release "$arch"; done
