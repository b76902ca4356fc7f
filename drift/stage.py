"""A place to run the real CLI offline: a stand-in for the API, a home of its own, and sessions of the library."""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from library import Failed, ROOT

PATIENCE = 180
KEY = "sk-ant-api03-drift-dummy-key-that-opens-nothing-" + "0" * 48 + "-AAAAAAAA"

# Prompts, and the tool that the model calls at each, once: the turn that tells what a task has done has the same last prompt.
ONCE = [
    ("Start the helper", "Task", {"description": "sub", "prompt": "Do the work", "subagent_type": "helper"}),
    ("Do the work", "Bash", {"command": "touch z", "description": "Make a file"}),
    ("Wait in the background", "Bash", {"command": "touch y; sleep 600", "description": "Wait", "run_in_background": True}),
]


class Stage:
    """One sandbox for one session or a few that follow each other; `with` removes it."""

    def __init__(self, library, cli, api, slow_ms=0):
        """`slow_ms`: host and API take up to so long for each answer, so that what runs side by side comes in another order."""
        self.library, self.cli, self.slow_ms = library, Path(cli).resolve(), slow_ms
        self.root = Path(tempfile.mkdtemp(prefix="claude-drift-"))
        for name in "home", "tmp", "run", "work":
            (self.root / name).mkdir(mode=0o700)
        self.work = self.root / "work"
        self.api_log, self.frames_log = self.root / "api.ndjson", self.root / "frames.ndjson"
        self.wrapper = self.root / "claude"
        self.wrapper.write_text("#!/bin/sh\nexec '{}' '{}' '{}' '{}' \"$@\"\n".format(
            sys.executable, ROOT / "drift/tee.py", self.frames_log, self.cli))
        self.wrapper.chmod(0o755)
        rules = self.root / "rules.json"
        rules.write_text(json.dumps({"rules": [
            {"when": {"prompt": prompt}, "times": 1, "reply": {"tool_use": [{"name": name, "input": given}]}}
            for prompt, name, given in ONCE]}))
        command = [api, "--exit-with-stdin", "--log", self.api_log, "--script", rules]
        self.api = subprocess.Popen(command, stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, text=True,
                                    env={**os.environ, "CLAUDE_TESTKIT_JITTER_MS": str(slow_ms)})
        self.env = {
            "HOME": str(self.root / "home"), "TMPDIR": str(self.root / "tmp"), "XDG_RUNTIME_DIR": str(self.root / "run"),
            "CLAUDE_CODE_TMPDIR": str(self.root / "tmp"), "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
            "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": self.api.stdout.readline().strip(),
            "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "CLAUDE_CODE_MAX_RETRIES": "1",
            # The same to root as to everybody.
            "IS_SANDBOX": "1",
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.api.stdin.close()
        self.api.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def pace(self):
        return random.uniform(0, self.slow_ms) / 1000

    def file(self, name, text):
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def session(self, **options):
        return Session(self, options)

    def run(self, *arguments):
        """The CLI by itself: all that it says."""
        ended = subprocess.run([self.cli, *arguments], env=self.env, cwd=self.work, stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, check=False, timeout=PATIENCE)
        return ended.stdout + ended.stderr

    def frames(self):
        return read_lines(self.frames_log)

    def settle(self, seconds=10):
        """Waits until the CLI says that it is idle: the last words of a turn then belong to its step, not to the next."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            states = re.findall(r'\\"state\\":\\"(running|idle|requires_action)', self.frames_log.read_text(encoding="utf-8"))
            if not states or states[-1] == "idle":
                return
            time.sleep(0.02)

    def requests(self):
        return [line for line in read_lines(self.api_log) if line.get("event") == "request"]

    def step(self, name):
        """From here on, frames belong to this step."""
        with open(self.frames_log, "a", encoding="utf-8") as log:
            log.write(json.dumps({"dir": "step", "line": name}) + "\n")


def read_lines(path):
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


class Session:
    """A client in PULL mode. What the CLI asks is answered by `answer`, while somebody waits for a message."""

    def __init__(self, stage, options):
        self.stage, self.library = stage, stage.library
        env = {**stage.env, **options.pop("env", {})}
        document = {"cli_path": str(stage.wrapper), "cwd": str(stage.work), "env": env, "env_mode": "only", **options}
        self.messages, self.answers = [], {}
        self.client = self.library.claude_client_create(document)
        self.library.claude_client_set_dispatch(self.client, self.library.CLAUDE_DISPATCH_PULL)

    def hook(self, event):
        self.library.claude_client_add_hook(self.client, event, None, 0, self.library.CLAUDE_HOOK_CONTINUE)

    def connect(self, asks=True):
        self.stage.step("connect")
        if asks:
            self.library.claude_client_on_request(self.client)
        self.operation("claude_client_connect", None)
        return self

    def operation(self, name, *inputs):
        """An operation and its reply; what the CLI asks meanwhile is answered."""
        getattr(self.library, name)(self.client, *inputs)
        return self.events(lambda info: info.kind == self.library.CLAUDE_EVENT_DONE)

    def query(self, prompt):
        return self.library.claude_client_query(self.client, prompt, None)

    def next(self):
        """The next message."""
        kinds = self.library.CLAUDE_EVENT_DONE, self.library.CLAUDE_EVENT_REQUEST
        return self.events(lambda info: info.kind not in kinds)

    def events(self, wanted):
        """Goes through events to the one that is wanted; a request is answered, a message kept."""
        while True:
            event = self.library.claude_client_next(self.client, self.library.CLAUDE_LANE_ALL, PATIENCE * 1000)
            try:
                info = self.library.claude_event_info(event)
                document = json.loads(info.json) if info.json else {}
                if info.kind == self.library.CLAUDE_EVENT_REQUEST:
                    self.respond(event, document)
                elif info.kind == self.library.CLAUDE_EVENT_CLOSED:
                    raise Failed("closed", document)
                elif info.kind != self.library.CLAUDE_EVENT_DONE:
                    self.messages.append(document)
                if wanted(info):
                    if info.status != 0:
                        raise Failed(self.library.names.get(info.status, info.status), document)
                    return document
            finally:
                self.library.claude_event_free(event)

    def respond(self, event, asked):
        time.sleep(self.stage.pace())
        answer = self.answers.get(asked["subtype"], lambda _: {})(asked)
        request = self.library.claude_event_take_request(event)
        try:
            if answer == "allow":
                self.library.claude_request_allow(request, None, None)
            elif answer == "deny":
                self.library.claude_request_deny(request, "No.", False)
            else:
                self.library.claude_request_respond(request, answer)
        except Failed:
            pass  # It was withdrawn meanwhile.
        finally:
            self.library.claude_request_free(request)

    def until(self, holds):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            message = self.next()
            if holds(message):
                return message
        raise TimeoutError("the message that was waited for did not come")

    def turn(self, prompt):
        self.stage.step(prompt if len(prompt) < 40 else f"{prompt[:40]}…")
        return self.result(self.query(prompt))

    def result(self, prompt, settle=True):
        """The result of that prompt: one of a task in the background may come before it."""
        found = self.until(lambda message: message.get("type") == "result" and "origin" not in message
                           and prompt in message.get("user_message_uuids", [prompt]))
        if settle:
            self.stage.settle()
        return found

    def control(self, **request):
        return self.operation("claude_client_control", request)

    def close(self):
        try:
            self.stage.step("close")
            self.library.claude_client_disconnect_wait(self.client, 60000)
        except Failed:
            pass  # A CLI whose last turn failed ends with a failure.
        finally:
            self.library.claude_client_free(self.client)
