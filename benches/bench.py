"""Measures the library against a read loop written by hand and against the official SDKs, on the same stand-in CLI.

Usage: bench.py LIBRARY_FOLDER WORK_FOLDER [--rounds N] [--no-sdks] [--no-report] [--only KEY,KEY]
All contenders do a piece of work one after the other, round by round, so that ratios hold on a busy machine. Prints the
tables; writes them into docs/performance.md and the picture beside it.
"""
import argparse
import json
import shutil
import sys
from collections import defaultdict

import instructions
import report
from contenders import Bench, run
from measures import MEASURES, Measured


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("work")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-sdks", action="store_true", help="leave the official SDKs out")
    parser.add_argument("--no-report", action="store_true", help="print only")
    parser.add_argument("--only", default="", help="keys of measures.py, with commas")
    return parser.parse_args()


def contenders(bench, with_sdks):
    more = [bench.with_options("validate_json", '"validate_json":true')]
    host = bench.with_options("thread, 2 GiB host", "")
    host.last_words = [2048]
    return [bench.raw(), *bench.guests(), *bench.modes(), *more, host, *(bench.sdks() if with_sdks else [])]


def one_round(measures, known, values):
    """`values` gets one number for each measure and contender."""
    reports = {}
    for measure in measures:
        for contender in known:
            if contender.name not in measure.contenders:
                continue
            words = measure.words_for(contender)
            if (contender.name, words) not in reports:
                reports[contender.name, words] = contender.measure(*words, pinned=measure.pinned)
            values[measure.key][contender.name].append(measure.value(reports[contender.name, words]))
    return values


def differences(bench, rounds, values):
    """What a client costs that only waits, by a hundred more of them; and what memory ten times the messages take."""
    thread = bench.modes()[0]
    for _ in range(rounds):
        one, many = (thread.measure("idle", count) for count in (1, 101))
        values["idle_threads"]["thread"].append(one["threads"])
        values["idle_each"]["thread"].append((many["rss_after"] - one["rss_after"]) / 100)
        few, million = (thread.measure("bulk", count, 500, "assistant", 0) for count in (100_000, 1_000_000))
        values["flat"]["thread"].append(max(0, million["peak"] - few["peak"]) / 1024)


def stripped_size(bench):
    copy = bench.work / "stripped.so"
    run("strip", "--strip-unneeded", "-o", copy, bench.library / "libclaude_client.so")
    return copy.stat().st_size


def main():
    given = arguments()
    bench = Bench(given.library, given.work)
    known = contenders(bench, not given.no_sdks)
    only = set(filter(None, given.only.split(",")))
    measures = [measure for measure in MEASURES if not only or measure.key in only]
    values = defaultdict(lambda: defaultdict(list))
    for number in range(given.rounds):
        print(f"round {number + 1} of {given.rounds}", file=sys.stderr, flush=True)
        one_round(measures, known, values)
    measured = Measured(values)
    if not only:
        differences(bench, given.rounds, values)
        if not shutil.which("valgrind"):
            sys.exit("no instruction counts without valgrind: apt-get install valgrind")
        measured.instructions = instructions.count(bench)
        measured.size = stripped_size(bench)
    tables = report.tables(measured, measures, [contender.name for contender in known], targets=not only)
    print(tables)
    if not given.no_report and not only:
        (bench.work / "measured.json").write_text(json.dumps(values), encoding="utf-8")
        report.write(tables, bench)


if __name__ == "__main__":
    main()
