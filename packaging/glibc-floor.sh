#!/bin/sh
# usage: glibc-floor.sh VERSION FILE
# Fails when the file needs a symbol of a newer glibc than VERSION, and names each.
set -eu
[ $# -eq 2 ] || { echo "usage: glibc-floor.sh VERSION FILE" >&2; exit 2; }
floor=$1 file=$2

# `NAME@GLIBC_VERSION (NUMBER)` is the eighth column of what the file needs.
needed=$(readelf --dyn-syms -W "$file" | awk '$7 == "UND" && $8 ~ /@GLIBC_/ { sub(/@+GLIBC_/, " ", $8); print $8 }')
[ -n "$needed" ] || { echo "glibc-floor.sh: $file needs nothing of glibc" >&2; exit 1; }
newer=$(echo "$needed" | while read -r name version; do
    [ "$(printf '%s\n' "$version" "$floor" | sort -V | tail -1)" = "$floor" ] || echo "$name of $version"
done)
[ -z "$newer" ] || { echo "$file needs more than glibc $floor:"; echo "$newer"; exit 1; }
echo "$file: $(echo "$needed" | wc -l) symbols of glibc, none newer than $floor"
