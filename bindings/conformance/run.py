#!/usr/bin/env python3
"""Runs the cases below conformance/cases with the program of one binding, and prints a line for each.

run.py NAME [--testkit FOLDER] [--cli PATH] [--case PART] [--but PART] [--root PATH] -- PROGRAM [ARGUMENT...]

The program is called with the path of a case, and prints the transcript. Each run has a fresh home and a fresh CLI; a CLI that
is still there afterwards is a failure. Exit code 1: a case failed.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 120  # seconds, on a machine that has other work as well
KEPT = ("PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "GORACE", "WINEPREFIX", "WINEDEBUG", "WINEDLLOVERRIDES")
# With Wine, which does not take HOME for the user's folder, and finds its server by TMPDIR: tests/windows/wine.sh.
WINE_SERVER = os.environ.get("CLAUDE_TESTS_WINE_SERVER")


def text_of(path):
    """The name of a project's folder comes from its path, which has a drive there."""
    text = path.read_text()
    return text.replace("-home-me", "Z--home-me") if WINE_SERVER else text


def sandbox(folder, case):
    home = folder / "home"
    (folder / "work").mkdir()
    home.mkdir()
    for name, lines in case.get("files", {}).items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    if WINE_SERVER:
        environment["CLAUDE_CONFIG_DIR"] = str(home / ".claude")
    return environment | {"HOME": str(home), "TMPDIR": WINE_SERVER or str(folder), "LANG": "C.UTF-8"}


class Watch(threading.Thread):
    """The most memory and threads that a process had."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak_kb, self.threads = pid, 0, 0

    def run(self):
        while True:
            try:
                text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
            except OSError:
                return
            rows = dict(row.split(":", 1) for row in text.splitlines() if ":" in row)
            if "VmHWM" not in rows:
                return
            self.peak_kb = max(self.peak_kb, int(rows["VmHWM"].split()[0]))
            self.threads = max(self.threads, int(rows["Threads"]))
            time.sleep(0.01)


def process_of(child, program):
    """The runner itself: with the real CLI it is a child of the stand-in API."""
    if program[0] == child.args[0]:
        return child.pid
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found = subprocess.run(["pgrep", "-P", str(child.pid)], capture_output=True, text=True).stdout.split()
        if found:
            return int(found[0])
        time.sleep(0.02)
    return child.pid


def log_of(folder):
    log = folder / "log"
    return [json.loads(line) for line in log.read_text().split("\n") if line] if log.exists() else []


def alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        return state != "Z"
    except OSError:
        return False


def left_behind(log):
    """The CLIs of the case that do not go within five seconds. Wine has numbers of its own for them."""
    if WINE_SERVER:
        return []
    pids = [entry["ids"]["pid"] for entry in log if entry["event"] == "start"]
    end = time.monotonic() + 5
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    return [pid for pid in pids if alive(pid)]


def frames(log):
    for entry in log:
        if entry["event"] == "line":
            try:
                yield json.loads(entry["text"])
            except ValueError:
                pass


def faults(case, printed, code, stderr, log, peak_mb):
    expected = case["expect"]
    same = sorted(printed) == sorted(expected) if case.get("unordered") else printed == expected
    if not same:
        yield f"printed\n    {printed}\n  and not\n    {expected}"
    if code != 0:
        yield f"ended with {code}"
    if stderr:
        yield f"wrote on stderr: {stderr[:2000]}"
    asked = [frame.get("request", {}).get("subtype") for frame in frames(log)]
    for subtype in case.get("wire", []):
        if subtype not in asked:
            yield f"sent no {subtype}: {asked}"
    prompts = sum(frame.get("type") == "user" for frame in frames(log))
    if prompts != case.get("prompts", prompts):
        yield f"sent {prompts} prompts and not {case['prompts']}"
    answers = [frame["response"].get("response", {}) for frame in frames(log) if frame.get("type") == "control_response"]
    if case.get("refused") and [answer.get("behavior") for answer in answers] != ["deny"]:
        yield f"did not refuse: {answers}"
    if peak_mb > case.get("peak_mb", 1 << 20):
        yield f"took {peak_mb} MB of memory, more than {case['peak_mb']}"
    for pid in left_behind(log):
        yield f"left the CLI behind, process {pid}"


def run(case, path, program, testkit, cli, memory):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        environment = sandbox(folder, case)
        command = [*program, str(path)]
        if case.get("real"):
            command = [str(testkit / "loopback-api"), "--overlay", "--", "env", f"CLAUDE_CLIENT_CLI={cli}", *command]
        else:
            (folder / "script").write_text(json.dumps(case["fake"]))
            stand_in = testkit / ("fake-claude.exe" if WINE_SERVER else "fake-claude")
            environment |= {"CLAUDE_CLIENT_CLI": str(stand_in), "FAKE_CLAUDE": str(folder / "script"),
                            "FAKE_CLAUDE_LOG": str(folder / "log")}
        begun = time.monotonic()
        child = subprocess.Popen(command, env=environment, cwd=folder / "work", stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")
        watch = Watch(process_of(child, program))
        watch.start()
        try:
            stdout, stderr = child.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            stdout, stderr = child.communicate()
            stderr += "\nhangs"
        took = time.monotonic() - begun
        peak_mb = watch.peak_kb // 1024
        wrong = list(faults(case, stdout.split("\n")[:-1], child.returncode, stderr, log_of(folder), peak_mb if memory else 0))
        return wrong, took, peak_mb, watch.threads


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("name")
    arguments.add_argument("--testkit", type=pathlib.Path, default=HERE.parents[1] / "target/debug")
    arguments.add_argument("--cli", type=pathlib.Path, default=HERE.parents[1] / "build/cli/node_modules/.bin/claude")
    arguments.add_argument("--case", default="")
    arguments.add_argument("--but", help="not the cases with this part in their names")
    arguments.add_argument("--root", default="/", help="how the program's system shows the folder /")
    arguments.add_argument("--no-memory", action="store_true", help="a sanitizer takes more than the case allows")
    arguments.add_argument("program", nargs="+")
    given = arguments.parse_args()
    program = [shutil.which(given.program[0]) or given.program[0], *given.program[1:]]
    failed = 0
    for path in sorted((HERE / "cases").glob("*.json")):
        if given.case not in path.name or given.but and given.but in path.name:
            continue
        case = json.loads(text_of(path))
        case["expect"] = [line.replace("{root}", given.root) for line in case["expect"]]
        if case.get("real") and not given.cli.exists():
            print(f"SKIPPED {given.name}: {case['name']}: the real CLI is missing; `make cli` installs it")
            continue
        reason = case.get("lacks", {}).get(given.name.split("/")[0])
        if reason:
            print(f"{given.name:12} lacks {case['name']:50} {reason}")
            continue
        wrong, took, peak_mb, threads = run(case, path, program, given.testkit.resolve(), given.cli.absolute(), not given.no_memory)
        state = "FAIL" if wrong else "ok"
        print(f"{given.name:12} {state:5} {case['name']:50} {took:6.1f} s {peak_mb:5} MB {threads:3} threads", flush=True)
        for text in wrong:
            print(f"  {text}")
        failed += bool(wrong)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
