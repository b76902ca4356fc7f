#!/bin/bash
# Draws the samples of a long run: plot.sh CSV PICTURE. Needs python3 with venv; matplotlib comes into build/.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=build/plot-venv
if ! python3 -c 'import matplotlib' 2>/dev/null && ! "$venv/bin/python" -c 'import matplotlib' 2>/dev/null; then
    if ! python3 -m venv "$venv" || ! "$venv/bin/pip" install -q matplotlib; then
        echo "soak: SKIPPED the picture: apt-get install python3-venv (or python3-matplotlib)" >&2
        if [ "${CLAUDE_TESTS_NO_SKIP:-}" = 1 ]; then exit 1; fi
        exit 0
    fi
fi
python=python3
python3 -c 'import matplotlib' 2>/dev/null || python="$venv/bin/python"
"$python" chaos/plot.py "$1" "$2"
