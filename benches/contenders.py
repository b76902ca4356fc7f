"""Who is measured: each contender does one piece of work in a process of its own and says what it took."""
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CLI, PYTHON_SDK, TYPESCRIPT_SDK = (
    (ROOT / "testkit" / name).read_text().strip()
    for name in ("CLI_VERSION", "PYTHON_SDK_VERSION", "TYPESCRIPT_SDK_VERSION"))
MODES = ["thread", "inline", "pump", "pull"]


def run(*command, **more):
    ended = subprocess.run([str(word) for word in command], text=True, capture_output=True, check=False, **more)
    if ended.returncode != 0:
        shown = " ".join(str(word) for word in command)
        sys.exit(f"{shown} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended


@dataclass
class Contender:
    name: str
    command: list
    # How many messages and rounds it is given, in relation to the library: the slow ones need not be slow for minutes.
    share: float = 1.0
    env: dict = field(default_factory=dict)
    last_words: list = field(default_factory=list)

    def measure(self, *words, pinned=False):
        """`pinned`: on one processor."""
        pin = ["taskset", "-c", min(os.sched_getaffinity(0))] if pinned else []
        return json.loads(run(*pin, *self.command, *words, *self.last_words, env=self.env).stdout)


class Bench:
    """The programs, built into `work`; `library` is the folder of libclaude_client.so."""

    def __init__(self, library, work):
        self.library, self.work = Path(library).resolve(), Path(work).resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        home = self.work / "home"
        home.mkdir(exist_ok=True)
        # Nothing of the user's is seen by what runs here.
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
        self.standin = self.work / "standin"
        self.build()

    def build(self):
        cc = os.environ.get("CC", "cc").split()
        flags = ["-O2", "-Wall", "-Wextra", "-Werror"]
        for program in "standin", "raw":
            run(*cc, *flags, f'-DCLI_VERSION="{CLI}"', "-pthread", HERE / f"{program}.c", "-o", self.work / program)
        run(*cc, *flags, "-pthread", "-I", ROOT / "include", HERE / "driver.c", "-o", self.work / "driver", "-L",
            self.library, "-lclaude_client", f"-Wl,-rpath,{self.library}")

    def driver(self, mode, options=""):
        return [self.work / "driver", self.standin, mode, options]

    def raw(self):
        return Contender("raw C", [self.work / "raw", self.standin], env=self.env)

    def guests(self):
        command = [self.work / "raw", self.standin]
        return [Contender(name, command, env={**self.env, "GUEST": kind})
                for name, kind in [("guest C", "1"), ("guest C, reader thread", "thread")]]

    def modes(self):
        return [Contender(mode, self.driver(mode), env=self.env) for mode in MODES]

    def with_options(self, name, options):
        return Contender(name, self.driver("thread", options), env=self.env)

    def sdks(self):
        """The official SDKs, installed from their registries into the work folder; none where that fails."""
        return [sdk for sdk in (self.typescript(), self.python()) if sdk]

    def typescript(self):
        folder = self.work / "typescript"
        package = folder / "node_modules/@anthropic-ai/claude-agent-sdk"
        if not shutil.which("npm"):
            return missing("TypeScript", "apt-get install nodejs npm")
        if not package.exists():
            folder.mkdir(exist_ok=True)
            run("npm", "install", "--prefix", folder, "--omit=optional", "--no-audit", "--no-fund", "--no-save",
                f"@anthropic-ai/claude-agent-sdk@{TYPESCRIPT_SDK}")
        env = {**self.env, "NODE_MODULES": str(folder / "node_modules")}
        return Contender("TypeScript SDK", ["node", HERE / "sdk_typescript.mjs", self.standin], 0.1, env)

    def python(self):
        python = self.work / "venv/bin/python"
        if not python.exists():
            made = subprocess.run([sys.executable, "-m", "venv", self.work / "venv"], check=False, capture_output=True)
            if made.returncode != 0:
                return missing("Python", "apt-get install python3-venv")
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            f"claude-agent-sdk=={PYTHON_SDK}", "matplotlib")
        return Contender("Python SDK", [python, HERE / "sdk_python.py", self.standin], 0.02, self.env)


def missing(name, remedy):
    print(f"SKIPPED: the {name} SDK; install what it needs: {remedy}", file=sys.stderr)
