#!/bin/sh
# Puts the official JSON-Schema-Test-Suite, which the package jsonschema of PyPI has in its sources, into a folder of its own.
# usage: install-schema-suite.sh DEST        afterwards DEST/tests has the suite
set -eu

dest=${1:?usage: install-schema-suite.sh DEST}
version=4.26.0
sum=0c26707e2efad8aa1bfc5b7ce170f3fccc2e4918ff85989ba9ffa9facb2be326

skip() {
    echo "install-schema-suite.sh: $*" >&2
    # Without it the test that needs it says that it is skipped, or fails where nothing may be.
    exit 0
}

[ ! -d "$dest/tests/draft2020-12" ] || exit 0
command -v python3 >/dev/null || skip "python3 is missing; install it with: apt-get install -y python3 python3-venv"
work=$dest.new
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT

{ python3 -m venv "$work/venv" &&
    "$work/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
        --dest "$work" "jsonschema==$version"; } >"$work/log" 2>&1 ||
    { tail -n 3 "$work/log" >&2; skip "the suite could not be downloaded with pip (python3-venv is needed)"; }
echo "$sum  $work/jsonschema-$version.tar.gz" | sha256sum -c - >/dev/null 2>&1 ||
    { echo "install-schema-suite.sh: jsonschema-$version.tar.gz is not the pinned one" >&2; exit 1; }
tar -xzf "$work/jsonschema-$version.tar.gz" -C "$work"
rm -rf "$dest"
mv "$work/jsonschema-$version/json" "$dest"
echo "$dest: the JSON-Schema-Test-Suite of jsonschema $version"
