"""Lists a thousand sessions through the library and through both official SDKs, and compares what each makes of folders that a
CLI, or somebody with bad intentions, might have written.

Usage: sessions.py LIBRARY_FOLDER WORK_FOLDER [speed|differences]. The SDKs are installed from their registries into the work
folder; where that is not possible it says so, and fails if CLAUDE_TESTS_NO_SKIP is 1."""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import uuid

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
    ("wrong bytes in a text", "Python"): "it gives up on a file with bytes that are not UTF-8",
    ("copy", "Python"): "its copies lack what the CLI came to note (the session that asked, suppressed history, where it moved)",
    ("two compactions", "Python"): "it loses the messages that a compaction kept",
    ("segment", "Python"): "it loses the messages that a compaction kept",
    ("prompt behind the end", "Python"): "it does not tell prompts that were sent into a running turn",
    ("notes", "Python"): "it does not see where a session has moved",
    ("hidden rows", "TypeScript"): "it shows what a hidden tool ran in the tool's place; here come the rows that the CLI wrote",
    ("symlink", "Python"): "it follows symlinks, when it lists too",
    ("symlink", "TypeScript"): "it reads through a symlink that it does not list",
    ("FIFO", "Python"): "it waits for ever",
}

ID = "11111111-1111-4111-8111-{:012d}"


def said(kind, uuid, parent, content, **more):
    return {"type": kind, "uuid": uuid, "parentUuid": parent, "sessionId": ID.format(1), "cwd": "/home/me/project",
            "timestamp": "2026-01-01T00:00:00.000Z", "message": {"role": kind, "content": content}, **more}


def text(*lines):
    return "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines)


def uuid_of(name):
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


LINK = re.compile(r'("(?:uuid|parentUuid|logicalParentUuid|anchorUuid|headUuid|tailUuid|source_uuid)":)"([^"]*)"')


def with_uuids(contents):
    """The short names of the cases become ids that a message may have."""
    contents = LINK.sub(lambda found: f'{found[1]}"{uuid_of(found[2])}"', contents)
    return re.sub(r'("uuids":)(\[[^]]*])', lambda found: found[1] + json.dumps([uuid_of(name) for name in json.loads(found[2])]),
                  contents)


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
    yield "wrong bytes in a text", text(hello, said("assistant", "a", "u", "caf\N{BLACK SQUARE}")).encode().replace(
        "\N{BLACK SQUARE}".encode(), b"\xe9")
    yield "UTF-16", text(hello, answer).encode("utf-16")
    yield "byte order mark", b"\xef\xbb\xbf" + text(hello, answer).encode()
    yield "CRLF", text(hello, answer).replace("\n", "\r\n")
    yield "half a pair", text(hello) + text(said("assistant", "a", "u", "HALF")).replace("HALF", "\\ud83d")
    yield "NUL", text(hello).encode() + b"\0\0\0\n" + text(answer).encode()
    yield "own parent", text(said("user", "u", "u", "hello"), said("assistant", "a", "u", "hi"))
    yield "one line", text(hello).rstrip("\n")
    yield "deep", text(hello) + '{"type":"attachment","uuid":"q","parentUuid":"u","x":' + "[" * 400 + "]" * 400 + "}\n" + text(answer)
    yield "long line", text(hello, {"type": "attachment", "uuid": "q", "parentUuid": "u", "text": "x" * 300_000},
                            said("assistant", "a", "q", "hi"))
    yield "progress between", text(hello, {"type": "progress", "uuid": "p", "parentUuid": "u"}, said("assistant", "a", "p", "hi"))
    yield "notes", text(
        hello, answer, {"type": "content-replacement", "sessionId": ID.format(0), "replacements": [{"kind": "x"}]},
        {"type": "tools-used", "sessionId": ID.format(0), "tools": ["Read", "", 3]}, {"type": "atis-latch", "sessionId": ID.format(0), "atis": "x"},
        {"type": "relocated", "sessionId": ID.format(0), "relocatedCwd": "/else"}, {"type": "history-suppression", "sessionId": "x"},
        {"type": "hybrid-organization", "sessionId": "x", "organizationUuid": "6D1F9C4A-0000-4000-8000-000000000000"},
        {"type": "derived-from", "v": 1, "sessionId": ID.format(0), "sessions": [
            {"type": "claude_code_session", "id": ID.format(7), "via": "fork"}]})
    yield "two compactions", text(
        hello, answer, boundary("b", "a", "s", ["a"]), said("user", "s", "b", "summary", isCompactSummary=True),
        said("assistant", "e", "s", "end"), said("user", "v", "e", "more"), boundary("c", "v", "t", ["e", "v"]),
        said("user", "t", "c", "shorter", isCompactSummary=True), said("assistant", "z", "t", "last"))
    yield "segment", text(
        hello, answer, said("user", "v", "a", "kept"),
        {**boundary("b", "v", "s", []), "compactMetadata": {"preservedSegment": {"headUuid": "a", "tailUuid": "v", "anchorUuid": "s"}}},
        said("user", "s", "b", "summary", isCompactSummary=True), said("assistant", "e", "s", "end"))
    yield "compaction behind a branch", text(
        hello, answer, said("user", "l", "a", "left"), boundary("b", "l", "s", ["l"]),
        said("user", "s", "b", "summary", isCompactSummary=True), said("user", "r", "a", "right"), said("assistant", "e", "r", "end"))
    yield "announcements", text(
        hello, {"type": "attachment", "uuid": "q", "parentUuid": "u", "attachment": {
            "type": "deferred_tools_record", "nameOnlyAnnouncements": [uuid_of("u"), "unknown", 3]}}, said("assistant", "a", "q", "hi"))
    yield "prompt behind the end", text(
        hello, answer, {"type": "attachment", "uuid": "q", "parentUuid": "a", "sessionId": "x", "timestamp": "2026-01-01T00:00:01.000Z",
                        "attachment": {"type": "queued_command", "prompt": "later", "source_uuid": "s"}})
    yield "hidden rows", text(
        hello, said("assistant", "a", "u", [{"type": "tool_use", "id": "t", "name": "X"}], hostHiddenToolUseIds=["t"]),
        said("assistant", "h", "a", [{"type": "tool_use", "id": "i", "name": "Read"}], isVirtual=True, ranByToolUseId="t"),
        said("user", "i", "h", [{"type": "tool_result", "tool_use_id": "i"}], isVirtual=True),
        said("user", "r", "a", [{"type": "tool_result", "tool_use_id": "t"}]), said("assistant", "e", "r", "end"))


def boundary(name, logical, anchor, kept):
    return {"type": "system", "subtype": "compact_boundary", "uuid": name, "parentUuid": None, "logicalParentUuid": logical,
            "sessionId": ID.format(1), "timestamp": "2026-01-01T00:00:00.000Z",
            "compactMetadata": {"trigger": "manual", "postTokens": 9, "preservedMessages": {"anchorUuid": anchor, "uuids": kept}}}


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

    def read(self, name, config, *calls, timeout=600):
        command, more = self.readers[name]
        env = {"PATH": os.environ["PATH"], "HOME": str(config), "CLAUDE_CONFIG_DIR": str(config), **more}
        try:
            ran = subprocess.run(command, input=json.dumps(calls).encode(), env=env, stdout=subprocess.PIPE, timeout=timeout, check=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            return {"results": [f"{name} failed: {type(error).__name__}"] * len(calls)}
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
    for limit in (0, 20):
        for name in readers.readers:
            best = min((readers.read(name, config, ["list", limit]) for _ in range(3)), key=lambda run: run["cpu"])
            print(f"list, limit {limit:>2}, {len(best['results'][0])} rows, {name}: {best['cpu']:.4f} s CPU, {best['wall']:.4f} s")


# Members that both SDKs have.
ROW = ["session_id", "summary", "custom_title", "first_prompt", "git_branch", "cwd", "tag", "created_at"]


def row(row):
    return row and {name: row.get(name) for name in ROW}


def item(item):
    return {name: item.get(name) for name in ("type", "uuid", "message")}


def copy_of(project, copy):
    """The entries of a copy, with the ids of what was copied. The copy is removed."""
    if copy is None or not (file := project / f"{copy}.jsonl").exists():
        return copy
    contents = file.read_text(errors="replace")
    file.unlink()
    lines = [json.loads(line) for line in contents.splitlines()]
    for line in lines:
        if "forkedFrom" in line:
            contents = contents.replace(line["uuid"], "new " + line["forkedFrom"]["messageUuid"])
    lines = [json.loads(line) for line in contents.replace(copy, "copy").splitlines()]
    for line in lines:
        line.pop("timestamp", line.pop("ts", None))
        if "forkedFrom" not in line:
            line.pop("uuid", None)
    return lines


def differences(readers):
    config, project = fresh(readers.work, "cases")
    sessions, calls = {}, [["list", 0]]
    for number, (case, contents) in enumerate(cases(), 1):
        session = ID.format(number)
        sessions[session] = case
        if isinstance(contents, str):
            contents = with_uuids(contents.replace(ID.format(0), session)).encode()
        else:
            contents = with_uuids(contents.decode("latin-1")).encode("latin-1")
        (project / f"{session}.jsonl").write_bytes(contents)
        calls.append(["messages", session])
        said = re.findall(rb'"uuid":"([0-9a-f-]{36})"', contents)
        calls.extend(["fork", session, last] for last in [None, *dict.fromkeys(uuid.decode() for uuid in said)])
    names = {uuid_of(name): name for name in "abcdefghilmnopqrstuvwz"}

    def read(name):
        rows, *results = readers.read(name, config, *calls)["results"]
        rows = {found["session_id"]: found for found in rows or []}
        read = {(session, "row"): row(rows.get(session)) for session in sessions}
        for (what, session, *words), result in zip(calls[1:], results):
            if what == "messages":
                read[session, what] = list(map(item, result or []))
            else:
                last = words[0]
                read[session, f"copy up to {names.get(last, last)}"] = copy_of(project, result)
        return read

    ours, found, used = read("library"), [], set()
    for name in sorted(readers.readers.keys() - {"library"}):
        for (session, what), theirs in read(name).items():
            case = sessions[session]
            if ours[session, what] == theirs:
                continue
            reasons = [key for key in DIFFERENCES if key[1] == name and key[0] in (case, what.split(" ")[0])]
            used.update(reasons)
            if not reasons:
                found.append(f"{case}, {what}:\n  library: {ours[session, what]}\n  {name}: {theirs}")
    scale(readers, found, used)
    for case, name in sorted(used):
        print(f"differs, on purpose: {case}, {name}: {DIFFERENCES[case, name]}")
    for case, name in sorted(DIFFERENCES.keys() - used):
        if name in readers.readers:
            print(f"does not differ any more: {case}, {name}")
    print("\n".join(found))
    if found:
        sys.exit(f"FAILED: {len(found)} differences without a reason")
    print(f"sessions: {len(ours)} readings by {len(readers.readers)} readers, no difference without a reason")


def scale(readers, found, used):
    """Folders that are large, or have what is no session in them."""
    plain = with_uuids(text(said("user", "u", None, "hello"), said("assistant", "a", "u", "hi")))
    config, project = fresh(readers.work, "scale")
    for number in range(10_000):
        (project / f"{ID.format(number)}.jsonl").write_text(plain)
    compare(readers, found, used, "10,000 files", config, ["list", 0])
    config, project = fresh(readers.work, "long")
    long = {"type": "attachment", "uuid": uuid_of("q"), "parentUuid": uuid_of("u"), "text": "x" * 100_000_000}
    (project / f"{ID.format(1)}.jsonl").write_text(text(long) + plain)
    compare(readers, found, used, "100 MB line", config, ["list", 0], ["messages", ID.format(1)])
    config, project = fresh(readers.work, "no files")
    (project / f"{ID.format(1)}.jsonl").write_text(plain)
    (project / f"{ID.format(2)}.jsonl").mkdir()
    (project / f"{ID.format(3)}.jsonl").write_text("")
    (project / f"{ID.format(4).upper()}.jsonl").write_text(plain)
    (project / "notes.jsonl").write_text(plain)
    compare(readers, found, used, "a folder, an empty file, other names", config, ["list", 0])
    (project / f"{ID.format(5)}.jsonl").symlink_to(project / "notes.jsonl")
    compare(readers, found, used, "symlink", config, ["list", 0], ["messages", ID.format(5)])
    os.mkfifo(project / f"{ID.format(6)}.jsonl")
    (project / f"{ID.format(5)}.jsonl").unlink()
    compare(readers, found, used, "FIFO", config, ["list", 0], ["messages", ID.format(6)])


def compare(readers, found, used, case, config, *calls):
    def read(name):
        rows, *messages = readers.read(name, config, *calls, timeout=120 if case != "FIFO" else 20)["results"]
        rows = rows if isinstance(rows, str) else sorted(map(row, rows), key=lambda row: row["session_id"])
        return rows, [items if isinstance(items, str) else list(map(item, items or [])) for items in messages]

    ours = read("library")
    for name in sorted(readers.readers.keys() - {"library"}):
        theirs = read(name)
        if ours == theirs:
            continue
        if (case, name) in DIFFERENCES:
            used.add((case, name))
        else:
            found.append(f"{case}:\n  library: {str(ours)[:2000]}\n  {name}: {str(theirs)[:2000]}")


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
