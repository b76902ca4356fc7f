"""Reads sessions through the library or the official Python SDK, and prints what it read with what that took.
Usage: sessions_reader.py library PATH_OF_THE_LIBRARY, or sessions_reader.py sdk -. Calls are read from stdin, as a JSON array:
["list", LIMIT], ["messages", ID], ["subagents", ID], ["fork", ID, UP_TO], ["rename", ID, TITLE], ["tag", ID, TAG]. The CLI's
folder is CLAUDE_CONFIG_DIR."""
import ctypes
import dataclasses
import json
import resource
import sys
import time

reader, library = sys.argv[1:]


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Library:
    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        self.c.claude_error_json.restype = ctypes.c_char_p

    def text(self, function, *arguments):
        text, error = ctypes.c_void_p(), ctypes.c_void_p()
        if function(*arguments, ctypes.byref(text), ctypes.byref(error)) != 0:
            return None
        value = json.loads(ctypes.string_at(text))
        self.c.claude_string_free(text)
        return value

    def list(self, limit):
        return self.text(self.c.claude_sessions_list, json.dumps({"limit": limit}).encode())

    def messages(self, session):
        items = []
        callback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p)
        keep = callback(lambda kind, text, length, data: items.append(json.loads(text)))
        self.c.claude_session_messages(session.encode(), None, keep, None, None)
        return items

    def subagents(self, session):
        agents = self.text(self.c.claude_session_subagents, session.encode(), None) or []
        return [agent["agent_id"] for agent in agents]

    def fork(self, session, up_to):
        options = json.dumps({"up_to_message_id": up_to, "title": "copy"}).encode()
        copy = self.text(self.c.claude_session_fork, session.encode(), options)
        return copy and copy["session_id"]

    def rename(self, session, title):
        return self.c.claude_session_rename(session.encode(), title.encode(), None, None) == 0

    def tag(self, session, tag):
        return self.c.claude_session_tag(session.encode(), tag.encode(), None, None) == 0


class Sdk:
    def __init__(self):
        import claude_agent_sdk
        self.sdk = claude_agent_sdk

    def list(self, limit):
        return [dataclasses.asdict(info) for info in self.sdk.list_sessions(limit=limit or None)]

    def messages(self, session):
        return [dataclasses.asdict(item) for item in self.sdk.get_session_messages(session)]

    def subagents(self, session):
        return self.sdk.list_subagents(session)

    def fork(self, session, up_to):
        return self.sdk.fork_session(session, up_to_message_id=up_to, title="copy").session_id

    def rename(self, session, title):
        self.sdk.rename_session(session, title)
        return True

    def tag(self, session, tag):
        self.sdk.tag_session(session, tag)
        return True


def outcome(what, words):
    try:
        return getattr(reader, what)(*words)
    except Exception:
        return None


reader = Library(library) if reader == "library" else Sdk()
calls = json.load(sys.stdin)
wall, used = time.perf_counter(), cpu()
results = [outcome(what, words) for what, *words in calls]
wall, used = time.perf_counter() - wall, cpu() - used
print(json.dumps({"wall": wall, "cpu": used, "results": results}))
