"""Lists a thousand sessions through the library and through both official SDKs, and compares what each makes of folders that a
CLI, or somebody with bad intentions, might have written.

Usage: sessions.py LIBRARY_FOLDER WORK_FOLDER [speed|differences]. The SDKs are installed from their registries into the work
folder; where that is not possible it says so, and fails if CLAUDE_TESTS_NO_SKIP is 1."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

from contenders import PYTHON_SDK, TYPESCRIPT_SDK

HERE = pathlib.Path(__file__).resolve().parent
SESSIONS, SIZE = 1001, 250_000

# What may differ, and why. (case, reader) -> reason
DIFFERENCES = {
    ("tool input with a title", "Python"): "it takes a title out of a tool's input",
    ("compaction", "Python"): "it loses the messages that a compaction kept",
    ("queued prompt", "Python"): "it does not tell prompts that were sent into a running turn",
    ("two of one id", "Python"): "of two entries with one id it takes the first",
    ("wrong bytes", "Python"): "it gives up on a file with bytes that are not UTF-8",
}

ID = "11111111-1111-4111-8111-{:012d}"


def said(kind, uuid, parent, content, **more):
    return {"type": kind, "uuid": uuid, "parentUuid": parent, "sessionId": ID.format(1), "cwd": "/home/me/project",
            "timestamp": "2026-01-01T00:00:00.000Z", "message": {"role": kind, "content": content}, **more}


def text(*lines):
    return "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines)


def cases():
    hello, answer = said("user", "u", None, "hello"), said("assistant", "a", "u", [{"type": "text", "text": "hi"}])
    yield "plain", text(hello, answer)
    yield "cut last line", text(hello, answer) + '{"type":"user","uuid":"x","parentUuid":"a","mess'
    yield "tool input with a title", text(hello, said("assistant", "a", "u", [
        {"type": "tool_use", "id": "t", "name": "X", "input": {"customTitle": "not a title"}}]))
    yield "circle", text(said("user", "u", "a", "hello"), said("assistant", "a", "u", "hi"), said("user", "v", "a", "on"))
    yield "missing parent", text(said("user", "u", "gone", "hello"), answer)
    yield "two of one id", text(hello, answer, said("assistant", "a", "u", [{"type": "text", "text": "again"}]))
    yield "branch", text(hello, answer, said("user", "v", "a", "left"), said("user", "w", "a", "right"))
    yield "titles and tags", text(
        hello, answer, {"type": "tag", "tag": "red", "sessionId": "x"}, {"type": "ai-title", "aiTitle": "made"},
        {"type": "custom-title", "customTitle": "given \"é\"", "sessionId": "x"}, {"type": "last-prompt", "lastPrompt": "p"})
    yield "nothing said", text({"type": "queue-operation"}, {"type": "tag", "tag": "x"})
    yield "sidechain", text(said("user", "u", None, "hello", isSidechain=True))
    yield "commands", text(said("user", "u", None, "<command-name>/clear</command-name>"))
    yield "long prompt", text(said("user", "u", None, "é" * 500))
    yield "compaction", text(
        hello, answer, said("user", "v", "a", "kept"),
        {"type": "system", "subtype": "compact_boundary", "uuid": "b", "parentUuid": None, "logicalParentUuid": "v",
         "sessionId": "x", "compactMetadata": {"preservedMessages": {"anchorUuid": "s", "uuids": ["v"]}}},
        said("user", "s", "b", "summary", isCompactSummary=True), said("assistant", "e", "s", "end"))
    yield "queued prompt", text(
        hello, {"type": "attachment", "uuid": "q", "parentUuid": "u", "sessionId": "x", "timestamp": "2026-01-01T00:00:00.000Z",
                "attachment": {"type": "queued_command", "prompt": "steer", "source_uuid": "s"}},
        said("assistant", "a", "q", "hi"))
    calls = [said("assistant", f"c{n}", f"c{n - 1}" if n else "u", [{"type": "tool_use", "id": f"t{n}"}]) for n in range(3)]
    for call in calls:
        call["message"]["id"] = "m"
    results = [said("user", f"r{n}", f"c{n}", [{"type": "tool_result", "tool_use_id": f"t{n}"}]) for n in (1, 0, 2)]
    yield "parallel calls", text(hello, *calls, *results, said("assistant", "z", "r0", "done"))
    yield "wrong bytes", text(hello).encode() + b"\xff\xfe\n" + text(answer).encode()
    yield "NUL", text(hello).encode() + b"\0\0\0\n" + text(answer).encode()
    yield "long line", text(hello, {"type": "attachment", "uuid": "q", "parentUuid": "u", "text": "x" * 300_000},
                            said("assistant", "a", "q", "hi"))


class Readers:
    def __init__(self, library, work):
        self.work, self.readers = work, {}
        script = HERE / "sessions_reader.py"
        self.readers["library"] = ([sys.executable, script, "library", library / "libclaude_client.so"], {})
        python, modules = work / "venv/bin/python", work / "typescript/node_modules"
        if self.install("Python", [sys.executable, "-m", "venv", work / "venv"], python) and self.install(
                "Python", [python, "-m", "pip", "install", "--quiet", f"claude-agent-sdk=={PYTHON_SDK}"], None):
            self.readers["Python"] = ([python, script, "sdk", "-"], {})
        if shutil.which("npm") and self.install("TypeScript", [
                "npm", "install", "--prefix", modules.parent, "--omit=optional", "--no-audit", "--no-fund", "--no-save",
                f"@anthropic-ai/claude-agent-sdk@{TYPESCRIPT_SDK}"], modules / "@anthropic-ai/claude-agent-sdk"):
            self.readers["TypeScript"] = (["node", HERE / "sessions_reader.mjs"], {"NODE_MODULES": str(modules)})
        for name in {"Python", "TypeScript"} - self.readers.keys():
            print(f"SKIPPED: the {name} SDK; install what it needs: apt-get install python3-venv nodejs npm")
        if len(self.readers) < 3 and os.environ.get("CLAUDE_TESTS_NO_SKIP") == "1":
            sys.exit("a reader is missing")

    def install(self, name, command, there):
        if there is not None and there.exists():
            return True
        self.work.mkdir(parents=True, exist_ok=True)
        (self.work / "typescript").mkdir(exist_ok=True)
        return subprocess.run(command, check=False).returncode == 0

    def read(self, name, config, *words):
        command, more = self.readers[name]
        env = {"PATH": os.environ["PATH"], "HOME": str(config), "CLAUDE_CONFIG_DIR": str(config), **more}
        try:
            ran = subprocess.run([*command, *words], env=env, capture_output=True, timeout=600, check=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            return {"rows": f"{name} failed: {error}"}
        return json.loads(ran.stdout)


def fresh(work, name):
    config = work / name
    shutil.rmtree(config, ignore_errors=True)
    project = config / "projects/-work"
    project.mkdir(parents=True)
    return config, project


def speed(readers):
    config, project = fresh(readers.work, "many")
    filler = text({"type": "attachment", "uuid": "f", "text": "x" * 10_000}) * (SIZE // 10_000)
    for number in range(SESSIONS):
        (project / f"{ID.format(number)}.jsonl").write_text(
            text(said("user", "u", None, f"hello {number}")) + filler + text({"type": "last-prompt", "lastPrompt": "more"}))
    for limit in ("0", "20"):
        for name in readers.readers:
            best = min((readers.read(name, config, "list", limit) for _ in range(3)), key=lambda run: run["cpu"])
            print(f"list, limit {limit:>2}, {len(best['rows'])} rows, {name}: {best['cpu']:.4f} s CPU, {best['wall']:.4f} s")


# Members that both SDKs have.
ROW = ["session_id", "summary", "custom_title", "first_prompt", "git_branch", "cwd", "tag", "created_at"]


def shape(what, rows):
    if what == "list" and isinstance(rows, list):
        return [{name: row.get(name) for name in ROW} for row in rows]
    if what == "messages" and isinstance(rows, list):
        return [{name: item.get(name) for name in ("type", "uuid", "message")} for item in rows]
    return rows


def differences(readers):
    config, project = fresh(readers.work, "cases")
    sessions = {}
    for number, (case, contents) in enumerate(cases(), 1):
        sessions[ID.format(number)] = case
        data = contents if isinstance(contents, bytes) else contents.encode()
        (project / f"{ID.format(number)}.jsonl").write_bytes(data)

    def read(name):
        rows = shape("list", readers.read(name, config, "list")["rows"])
        rows = {row["session_id"]: row for row in rows}
        messages = {session: readers.read(name, config, "messages", session)["rows"] for session in sessions}
        return {session: (rows.get(session), shape("messages", messages[session])) for session in sessions}

    ours, found, used = read("library"), [], set()
    for name in readers.readers.keys() - {"library"}:
        for session, theirs in read(name).items():
            case = sessions[session]
            if ours[session] == theirs:
                continue
            if (case, name) in DIFFERENCES:
                used.add((case, name))
            else:
                found.append(f"{case}:\n  library: {ours[session]}\n  {name}: {theirs}")
    for case, name in sorted(used):
        print(f"differs, on purpose: {case}, {name}: {DIFFERENCES[case, name]}")
    for case, name in sorted(DIFFERENCES.keys() - used):
        print(f"does not differ any more: {case}, {name}")
    print("\n".join(found))
    if found:
        sys.exit(f"FAILED: {len(found)} differences without a reason")
    print("sessions: no difference without a reason")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("what", nargs="?", default="differences", choices=["speed", "differences"])
    given = parser.parse_args()
    readers = Readers(given.library.resolve(), given.work.resolve())
    {"speed": speed, "differences": differences}[given.what](readers)


if __name__ == "__main__":
    main()
