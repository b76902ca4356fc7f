#!/bin/sh
# Swift 6 of Debian trixie in a folder, for a machine without Swift. Nothing is installed outside of that folder.
#   toolchain.sh make FOLDER                sets it up once; what is missing for it is on stderr, with exit code 1
#   toolchain.sh run FOLDER COMMAND...      runs a command in it, which sees this checkout at its own path
#   toolchain.sh start FOLDER PROGRAM...    runs a program that was built in it on this system, with the libraries of the folder
set -eu
what=$1
folder=$2
shift 2
checkout=$(cd "$(dirname "$0")/../.." && pwd)

missing() {
    echo "$*" >&2
    exit 1
}

# In a mount namespace of its own, so that no mount outlives a script that is interrupted.
apart() {
    unshare -m --propagation private "$@"
}

make_it() {
    [ ! -d "$folder" ] || return 0
    [ "$(id -u)" = 0 ] || missing "be root, or install Swift 6 and name it by SWIFT=PATH"
    command -v debootstrap >/dev/null || missing "apt-get install debootstrap, or install Swift 6 and name it by SWIFT=PATH"
    apart true 2>/dev/null || missing "mounting is not allowed here: install Swift 6 and name it by SWIFT=PATH"
    # The mirror is the machine's own.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 'Component: main' | sort -u | head -1)
    [ -n "$mirror" ] || missing "this machine has no mirror of Debian: install Swift 6 and name it by SWIFT=PATH"
    rm -rf "$folder.new"
    mkdir -p "$(dirname "$folder")"
    apart debootstrap --variant=minbase --include=swiftlang,libc6-dev,pkgconf trixie "$folder.new" "$mirror" >"$folder.log" 2>&1 ||
        missing "debootstrap failed, see $folder.log"
    rm -f "$folder.new"/var/cache/apt/archives/*.deb
    mkdir -p "$folder.new$checkout"
    mv "$folder.new" "$folder" # whole, or not there
}

run_it() {
    # The place is made again for a checkout that was moved.
    mkdir -p "$folder$checkout"
    export LANG=C.UTF-8
    unset TMPDIR
    # shellcheck disable=SC2016 # for the inner shell
    apart sh -c 'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount --bind "$2" "$1$2" && root=$1 && here=$3 &&
        shift 3 && exec chroot "$root" env -C "$here" "$@"' sh "$folder" "$checkout" "$PWD" "$@"
}

# The glibc here may be older than the one it was built with.
start_it() {
    for loader in "$folder"/lib64/ld-linux-*.so.* "$folder"/lib/ld-linux-*.so.*; do
        [ ! -e "$loader" ] || break
    done
    exec "$loader" --library-path \
        "${LD_LIBRARY_PATH:-}:$folder/usr/libexec/swift/lib/swift/linux:$folder/usr/lib/$(uname -m)-linux-gnu" "$@"
}

case $what in
    make) make_it ;;
    run) run_it "$@" ;;
    start) start_it "$@" ;;
    *) missing "toolchain.sh make, run or start" ;;
esac
