#!/bin/bash
# The source of the standard library of exactly this rustc, for builds that no ready-made one exists for: Debian's package rust-src,
# unpacked into DEST; the toolchain stays as it is, and the mirror is the machine's own. Prints the path for
# __CARGO_TESTS_ONLY_SRC_ROOT, or fails where there is no such package.
# usage: std-source.sh DEST
set -euo pipefail

mkdir -p "${1:?usage: std-source.sh DEST}"
dest=$(cd "$1" && pwd)
release=$(rustc -vV | sed -n 's/^release: //p')
source=$dest/rust-src/usr/src/rustc-$release/library

fetch() {
    command -v apt-get >/dev/null || return 1
    local mirror apt
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | sort -u | head -1)
    [ -n "$mirror" ] || return 1
    mkdir -p "$dest/apt/lists/partial" "$dest/apt/cache/archives/partial"
    echo "deb $mirror ${STD_SUITE:-trixie-backports} main" >"$dest/apt/sources.list"
    apt=(-qq -o "Dir::Etc::sourcelist=$dest/apt/sources.list" -o Dir::Etc::sourceparts=- -o APT::Sandbox::User=root
        -o "Dir::State::lists=$dest/apt/lists" -o "Dir::Cache=$dest/apt/cache")
    (cd "$dest/apt" && apt-get "${apt[@]}" update && apt-get "${apt[@]}" download "rust-src=$release*") >&2 || return 1
    # What else the package has is no part of std. The name comes last: half of it would look like all of it.
    rm -rf "$dest/new" "$dest/rust-src"
    mkdir "$dest/new"
    dpkg --fsys-tarfile "$dest"/apt/rust-src_"$release"*.deb | tar -x -C "$dest/new" "./usr/src/rustc-$release/library"
    mv "$dest/new" "$dest/rust-src"
}

[ -d "$source/std" ] || fetch
[ -d "$source/std" ] && echo "$source"
