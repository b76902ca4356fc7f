#!/usr/bin/env python3
"""Whether a CLI still is what this library was tested with: docs/drift.md.

usage: drift.py check               the pinned CLI against its own recording (seconds; no network)
       drift.py report [VERSION]    another CLI, the newest without a VERSION, against the recording of the pinned one, and both
                                    SDKs against our pages
       drift.py write [VERSION]     the same, and takes it over: recording, pins, pages, CHANGELOG
       drift.py compare OLD NEW     two recordings
       drift.py pages SDK.D.TS __INIT__.PY TYPES.PY     type files of SDKs against our pages
"""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import api_side
import compare
import conversation
import sdks
import shape
import vocabulary
from library import Library, ROOT
from stage import Stage

WORK = ROOT / "build/drift"
KIT = ROOT / "testkit"
# Milliseconds that host and API take at most for an answer: what comes side by side comes in any order in one of these runs.
PACES = [0, 40, 0, 150]
TRIED = [0, 40, 150]


def pinned(name="CLI_VERSION"):
    return (KIT / name).read_text().strip()


def recording(version):
    return KIT / "recorded" / f"{version}.json"


def installed(version):
    """The program of that version, beside the pinned one."""
    folder = ROOT / "build/cli" if version == pinned() else WORK / f"cli-{version}"
    command = [KIT / "install-cli.sh", folder, version]
    ended = subprocess.run(command, text=True, capture_output=True, check=False)
    if ended.returncode != 0:
        sys.exit(f"drift: {ended.stderr.strip()}")
    return folder / "node_modules/.bin/claude"


def observed(library, version, slow_ms=0):
    cli, api = installed(version), Path(os.environ["LOOPBACK"])
    held = conversation.hold(library, cli, api, slow_ms)
    words = vocabulary.of_frames(held)
    with Stage(library, cli, api) as stage:
        words.update(vocabulary.of_cli(stage))
    seen = shape.observe(held)
    return {"facts": {"frames": seen["frames"], "vocabulary": words, "api": api_side.observe(held)}, "order": seen["order"]}


def recorded(library, version):
    """Its recording, made of several runs at several paces."""
    runs = [observed(library, version, slow_ms) for slow_ms in PACES]
    return {"cli": version, **compare.merged(runs)}


def against(library, kept, version):
    """In what this CLI differs from a recording. A difference counts when it is there at every pace."""
    found = None
    for pace in TRIED:
        now = compare.differences(kept, observed(library, version, pace))
        found = now if found is None else found & now
        if not found:
            break
    return found


def of_sdks():
    """What the newest SDKs have and our pages have not; and their versions."""
    typescript, text = sdks.typescript(WORK / "typescript")
    python, sources = sdks.python(WORK / "python")
    return of_types(text, sources), {"TypeScript SDK": typescript, "Python SDK": python}


def of_types(typescript, python):
    pages, found = sdks.Pages(), set()
    for name, names in (("TypeScript SDK", sdks.typescript_names(typescript)), ("Python SDK", sdks.python_names(python))):
        found |= {("new", name, f"not in {page}", what) for page, what in pages.missing(names)}
    return found


def newest():
    return sdks.run("npm", "view", "@anthropic-ai/claude-code", "version").strip()


def show(found, headline):
    lines, everything = compare.report(found)
    if len(everything) > len(lines):
        WORK.mkdir(parents=True, exist_ok=True)
        (WORK / "differences.txt").write_text("".join(f"{line}\n" for line in everything))
    print(*lines, sep="\n", end="\n" if lines else "")
    counts = ", ".join(f"{sum(row[0] == how for row in found)} {how}" for how in ("lost", "changed", "new"))
    print(f"drift: {headline}: {counts if found else 'no difference'}")
    return 1 if found else 0


def read(path):
    return json.loads(Path(path).read_text())


def kept_for(version):
    if not recording(version).exists():
        sys.exit(f"drift: there is no {recording(version).relative_to(ROOT)}; `make drift CLI={version} WRITE=1` makes it")
    return read(recording(version))


def check(library):
    version = pinned()
    return show(against(library, kept_for(version), version), f"Claude Code {version} against its recording")


def report(library, version):
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "under-test").write_text(str(installed(version)))
    found = against(library, kept_for(pinned()), version)
    from_sdks, versions = of_sdks()
    named = " and ".join(f"{name} {number}" for name, number in versions.items())
    return show(found | from_sdks, f"Claude Code {version} against the recording of {pinned()}, {named} against the pages")


def write(library, version):
    """Takes a version over. What it brings for our own pages and tables is a person's work, and reported."""
    old, made = pinned(), recorded(library, version)
    before = read(recording(old)) if recording(old).exists() else None
    found = compare.differences(before, made) if before else set()
    from_sdks, versions = of_sdks()
    recording(version).parent.mkdir(exist_ok=True)
    recording(version).write_text(json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    pins = {"CLI_VERSION": version, "PYTHON_SDK_VERSION": versions["Python SDK"],
            "TYPESCRIPT_SDK_VERSION": versions["TypeScript SDK"]}
    for name, number in pins.items():
        take_over(name, number)
    if version != old:
        recording(old).unlink(missing_ok=True)
        # Other checkouts may share the files of the folder: it is made anew, never changed.
        shutil.rmtree(ROOT / "build/cli", ignore_errors=True)
        shutil.move(WORK / f"cli-{version}", ROOT / "build/cli")
    return show(found | from_sdks, f"Claude Code {version} is taken over from {old}; what it brings")


def take_over(name, number):
    """Writes one pin, and the pages that say it."""
    old = pinned(name)
    (KIT / name).write_text(f"{number}\n")
    for page in "CHANGELOG.md", "docs/from-python.md":
        path = ROOT / page
        # What is released already is history.
        coming, *released = re.split(r"(?m)^(?=## \[[^\]]+\] - \d)", path.read_text())
        coming = re.sub(rf"(?<![\d.]){re.escape(old)}(?!\d|\.\d)", number, coming)
        path.write_text("".join([coming, *released]))


def main(words):
    if words[:1] == ["compare"] and len(words) == 3:
        return show(compare.differences(read(words[1]), read(words[2])), "two recordings")
    if words[:1] == ["pages"] and len(words) == 4:
        typescript, exports, types = (Path(word).read_text() for word in words[1:])
        return show(of_types(typescript, {"__init__.py": exports, "types.py": types}), "SDKs against the pages")
    if not words or words[0] not in ("check", "report", "write"):
        sys.exit(__doc__)
    library = Library(os.environ["LIBRARY"])
    if words[0] == "check":
        return check(library)
    version = words[1] if len(words) > 1 and words[1] else newest()
    return {"report": report, "write": write}[words[0]](library, version)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
