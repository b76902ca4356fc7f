#!/bin/sh
# Installs the pinned Claude Code CLI, or another VERSION, into a folder of its own, for the tests that run the real one.
# usage: install-cli.sh DEST [VERSION]      afterwards DEST/node_modules/.bin/claude works
set -eu

dest=${1:?usage: install-cli.sh DEST [VERSION]}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
version=${2:-$(cat "$here/CLI_VERSION")}
package=@anthropic-ai/claude-code

fail() {
    echo "install-cli.sh: $*" >&2
    exit 1
}

# The CLI must not see the user's own home, not even for its version.
installed_version() {
    [ -x "$1" ] || return 1
    home=$(mktemp -d)
    found=$(HOME="$home" TMPDIR="$home" XDG_RUNTIME_DIR="$home" CLAUDE_CODE_TMPDIR="$home" DISABLE_AUTOUPDATER=1 \
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 "$1" --version 2>/dev/null | cut -d ' ' -f 1) || found=
    rm -rf "$home"
    [ "$found" = "$version" ]
}

# The package's install step puts the native program in place; where such steps are blocked, link it by hand.
link_native() {
    case $(uname -s) in
        Linux) system=linux ;;
        Darwin) system=darwin ;;
        *) return 1 ;;
    esac
    case $(uname -m) in
        x86_64 | amd64) machine=x64 ;;
        aarch64 | arm64) machine=arm64 ;;
        *) return 1 ;;
    esac
    for libc in "" -musl; do
        native="$dest/node_modules/$package-$system-$machine$libc/claude"
        if [ -f "$native" ]; then
            mkdir -p "$dest/node_modules/.bin"
            ln -sf "../$package-$system-$machine$libc/claude" "$dest/node_modules/.bin/claude"
            chmod +x "$native"
            installed_version "$dest/node_modules/.bin/claude" && return 0
        fi
    done
    return 1
}

bin="$dest/node_modules/.bin/claude"
if installed_version "$bin"; then
    echo "$bin ($version) is there already"
    exit 0
fi
command -v npm >/dev/null 2>&1 ||
    fail "npm is missing. Install Node.js with npm, or set CLAUDE_TESTKIT_CLI to a claude $version of your own."
# Another version is not changed in place: a checkout may share the files with others by hard links.
[ ! -d "$dest/node_modules" ] || rm -rf "$dest/node_modules" "$dest/package-lock.json" "$dest/package.json"
mkdir -p "$dest"
# An own package.json keeps npm from climbing up to a project around DEST.
[ -f "$dest/package.json" ] || echo '{"name": "cli-under-test", "private": true}' >"$dest/package.json"
npm install --prefix "$dest" --no-fund --no-audit --loglevel=error --save-exact "$package@$version" ||
    fail "npm could not install $package@$version; see its message above."
installed_version "$bin" || link_native ||
    fail "installed, but $bin does not answer --version with $version. Remove $dest and try again."
echo "$bin ($version) is ready"
