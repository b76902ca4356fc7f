#!/bin/sh
# Installs or removes the built library. `make install` and `make uninstall` call this with everything in variables:
# ACTION (install or uninstall), BUILT (directory with the built libraries), VERSION, SO_VERSION, PREFIX, LIBDIR,
# INCLUDEDIR, DESTDIR, STRIP, NATIVE_LIBS.
set -eu
cd "$(dirname "$0")/.."

: "${ACTION:?}" "${BUILT:?}" "${VERSION:?}" "${SO_VERSION:?}" "${PREFIX:?}"
: "${LIBDIR:=$PREFIX/lib}" "${INCLUDEDIR:=$PREFIX/include}" "${DESTDIR:=}" "${STRIP:=:}" "${NATIVE_LIBS:=}"
case $PREFIX$LIBDIR$INCLUDEDIR in
    *' '*) echo "install: paths with blanks break pkg-config files; choose a PREFIX without" >&2; exit 2 ;;
esac
case $PREFIX in
    /*) ;;
    *) echo "install: PREFIX must be an absolute path, not $PREFIX" >&2; exit 2 ;;
esac
case $LIBDIR/ in
    "$PREFIX"/*) ;;
    *) echo "install: LIBDIR ($LIBDIR) must lie under PREFIX ($PREFIX), so that the prefix can be moved" >&2; exit 2 ;;
esac
[ "$INCLUDEDIR" = "$PREFIX/include" ] || { echo "install: INCLUDEDIR must be PREFIX/include" >&2; exit 2; }

case $(uname -s) in
    Darwin)
        shared=libclaude_client.$VERSION.dylib soname=libclaude_client.$SO_VERSION.dylib link=libclaude_client.dylib ;;
    *)
        shared=libclaude_client.so.$VERSION soname=libclaude_client.so.$SO_VERSION link=libclaude_client.so ;;
esac
static=libclaude_client.a
lib=$DESTDIR$LIBDIR include=$DESTDIR$INCLUDEDIR adapters=$DESTDIR$INCLUDEDIR/claude_client
licences=$DESTDIR$PREFIX/share/licenses/claude-client
pkgconfig=$lib/pkgconfig cmake=$lib/cmake/claude_client

if [ "$ACTION" = uninstall ]; then
    rm -f "$lib/$shared" "$lib/$soname" "$lib/$link" "$lib/$static" \
        "$include/claude_client.h" "$include/claude_client.hpp" "$adapters/api.json" "$pkgconfig/claude-client.pc" \
        "$cmake/claude_client-config.cmake" "$cmake/claude_client-config-version.cmake" \
        "$licences/LICENSE-MIT" "$licences/LICENSE-APACHE" "$licences/THIRD-PARTY.txt"
    for file in include/adapters/*; do rm -f "$adapters/${file##*/}"; done
    for directory in "$cmake" "$licences" "$adapters"; do
        [ ! -d "$directory" ] || rmdir "$directory" 2>/dev/null || true
    done
    echo "removed claude-client $VERSION from $DESTDIR$PREFIX"
    exit 0
fi

for file in "$BUILT/$link" "$BUILT/$static" include/claude_client.h; do
    [ -f "$file" ] || { echo "install: $file is missing: run \`make\` first" >&2; exit 1; }
done

# One ".." for each directory between the prefix and what lies in lib.
inner=${LIBDIR#"$PREFIX"}
up=$(printf '%s' "$inner" | sed 's|//*[^/][^/]*|/..|g; s|^/||')
major=${VERSION%%.*} rest=${VERSION#*.}
fill() {
    sed -e "s|@VERSION@|$VERSION|g; s|@MAJOR@|$major|g; s|@MINOR@|${rest%%.*}|g; s|@TO_PREFIX@|$2|g" \
        -e "s|@SHARED_FILE@|$shared|g; s|@SONAME@|$soname|g; s|@STATIC_FILE@|$static|g" \
        -e "s|@NATIVE_LIBS@|$NATIVE_LIBS|g; s|@NATIVE_LIBS_LIST@|$(printf '%s' "$NATIVE_LIBS" | tr ' ' ';')|g" \
        -e "s|@DESCRIPTION@|$(sed -n 's/^description = "\(.*\)"/\1/p' Cargo.toml)|g" "$1"
}

mkdir -p "$lib" "$include" "$adapters" "$pkgconfig" "$cmake" "$licences"
# Removed first: a running program keeps the old file instead of seeing it change under its feet.
rm -f "$lib/$shared"
cp "$BUILT/$link" "$lib/$shared"
chmod 755 "$lib/$shared"
# shellcheck disable=SC2086 # STRIP may hold options.
$STRIP "$lib/$shared"
ln -sf "$shared" "$lib/$soname"
ln -sf "$soname" "$lib/$link"
case $(uname -s) in
    Darwin) cp "$BUILT/$static" "$lib/$static" ;;
    *) packaging/one-object.sh "$BUILT/$static" "$lib/$static" ;;
esac
cp include/claude_client.h* "$include/"
cp include/adapters/* include/api.json "$adapters/"
fill packaging/claude-client.pc.in "../$up" > "$pkgconfig/claude-client.pc"
fill packaging/cmake/claude_client-config.cmake.in "$up" > "$cmake/claude_client-config.cmake"
fill packaging/cmake/claude_client-config-version.cmake.in "$up" > "$cmake/claude_client-config-version.cmake"
cp LICENSE-MIT LICENSE-APACHE packaging/THIRD-PARTY.txt "$licences/"
chmod 644 "$lib/$static" "$include"/claude_client.h* "$adapters"/* "$pkgconfig/claude-client.pc" "$cmake"/*.cmake "$licences"/*
echo "installed claude-client $VERSION in $DESTDIR$PREFIX"
