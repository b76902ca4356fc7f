"""Instructions for each message, counted by callgrind: they hardly depend on how busy the machine is.

Usage: instructions.py LIBRARY_FOLDER WORK_FOLDER [--write]
Fails when a count is more than MARGIN above the one in instructions.json, which --write writes anew.
"""
import json
import re
import shutil
import sys

from contenders import HERE, Bench, run

MARGIN = 0.15
KEPT = HERE / "instructions.json"
FEW, MANY = 2000, 12000

# name: size, kind, mode, options
COUNTED = {
    "200 B delta, THREAD": (200, "delta", "thread", ""),
    "200 B delta, INLINE": (200, "delta", "inline", ""),
    "500 B, THREAD": (500, "assistant", "thread", ""),
    "500 B, INLINE": (500, "assistant", "inline", ""),
    "500 B, PUMP": (500, "assistant", "pump", ""),
    "500 B, PULL": (500, "assistant", "pull", ""),
    "500 B in Japanese, THREAD": (500, "unicode", "thread", ""),
    "500 B, THREAD, validate_json": (500, "assistant", "thread", '"validate_json":true'),
    "20 KB, THREAD": (20000, "assistant", "thread", ""),
}


def total(bench, count, size, kind, mode, options):
    command = [*bench.driver(mode, options), "bulk", count, size, kind, 0]
    report = run("valgrind", "--tool=callgrind", f"--callgrind-out-file={bench.work}/callgrind.out", *command, env=bench.env)
    return int(re.search(r"Collected : (\d+)", report.stderr).group(1))


def count(bench, names=COUNTED):
    """Instructions for each message by name: what more messages cost more."""
    def one(*what):
        return round((total(bench, MANY, *what) - total(bench, FEW, *what)) / (MANY - FEW))
    return {name: one(*COUNTED[name]) for name in names}


def too_many(counted, kept):
    return [name for name, now in counted.items() if now > kept.get(name, now) * (1 + MARGIN)]


def check(bench, counted, kept):
    # How the bytes fall into reads is chance, and moves a count by some percent.
    for name, again in count(bench, too_many(counted, kept)).items():
        counted[name] = min(counted[name], again)
    bad = too_many(counted, kept)
    for name, now in counted.items():
        print(f"{now:7} instructions a message, {name} (kept: {kept.get(name, 'none')})"
              + ("  REGRESSED" if name in bad else ""))
    return bad


def main():
    library, work = sys.argv[1:3]
    if not shutil.which("valgrind"):
        sys.exit("no instruction counts without valgrind: apt-get install valgrind")
    bench = Bench(library, work)
    counted = count(bench)
    if "--write" in sys.argv:
        KEPT.write_text(json.dumps(counted, indent=2) + "\n", encoding="utf-8")
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    bad = check(bench, counted, kept)
    if bad:
        sys.exit(f"{len(bad)} counts are more than {MARGIN:.0%} above benches/instructions.json; "
                 "if that is meant, write it anew: make bench-check BENCH_FLAGS=--write")


if __name__ == "__main__":
    main()
