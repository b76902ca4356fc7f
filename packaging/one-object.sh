#!/bin/sh
# usage: one-object.sh LIBRARY.a RESULT.a
# Makes one object of a Rust static library: what nobody calls, the bitcode and the debug information go, and of all its names only
# the exported functions stay global. So it links beside another Rust static library, in either order, and is a sixth as large.
set -eu
here=$(dirname "$0")
[ $# -eq 2 ] || { echo "usage: one-object.sh LIBRARY.a RESULT.a" >&2; exit 2; }
library=$1 result=$2
ld=${LD:-ld} objcopy=${OBJCOPY:-objcopy} ar=${AR:-ar}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed 's/^/-u /' "$here/symbols.txt" >"$work/roots"
# Groups are resolved here: what is left of one would ask the final link for names that are not global any more.
"$ld" -r --gc-sections --force-group-allocation "@$work/roots" -o "$work/all.o" "$library"
"$objcopy" --remove-section=.llvmbc --remove-section=.llvmcmd --keep-global-symbols="$here/symbols.txt" --strip-unneeded \
    "$work/all.o" "$work/claude_client.o"
rm -f "$result"
"$ar" rcs "$result" "$work/claude_client.o"
