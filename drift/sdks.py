"""The official SDKs' own type files against our pages: a name that no page has is reported. Nothing of the packages is kept."""
import ast
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from library import ROOT

NPM, PYPI = "@anthropic-ai/claude-agent-sdk", "claude-agent-sdk"
# Control requests that our pages have under the function's name.
BY_FUNCTION = {"initialize", "interrupt", "set_permission_mode", "set_model", "rewind_files", "mcp_status", "mcp_reconnect",
               "mcp_toggle", "mcp_set_servers", "stop_task", "get_context_usage", "cancel_async_message"}


def run(*command):
    ended = subprocess.run([str(word) for word in command], text=True, capture_output=True, check=False)
    if ended.returncode != 0:
        sys.exit(f"drift: {' '.join(map(str, command))} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def typescript(folder):
    """The newest package's version and its declarations."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run("npm", "install", "--prefix", folder, "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--no-save",
        f"{NPM}@latest")
    package = folder / "node_modules" / NPM
    version = re.search(r'"version":\s*"([^"]+)"', (package / "package.json").read_text()).group(1)
    return version, (package / "sdk.d.ts").read_text()


def python(folder):
    """The newest package's version and its sources: {name of a file: text}."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run(sys.executable, "-m", "venv", folder / "venv")
    # The wheel holds a CLI; the sources alone are small.
    run(folder / "venv/bin/pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", PYPI, "-d",
        folder, PYPI)
    archive = next(folder.glob("*.tar.gz"))
    with tarfile.open(archive) as files:
        sources = {Path(member.name).name: files.extractfile(member).read().decode()
                   for member in files if re.search(r"/src/claude_agent_sdk/(__init__|types)\.py$", member.name)}
    return re.search(r"-([\d.]+)\.tar\.gz$", archive.name).group(1), sources


def typescript_names(text):
    """What a host can name: exports, members of Options and Query, control requests, hook events, reasons of a failed start."""
    exports = re.findall(r"^export (?:declare )?(?:abstract )?(?:function|class|const|type|interface|enum) (\w+)", text, re.M)
    subtypes = [match.group(1) for block in re.findall(r"^declare type SDKControl\w*Request = \{.*?^\}", text, re.M | re.S)
                if (match := re.search(r"^    subtype: '(\w+)'", block, re.M))]
    return {
        "exports": set(exports), "options": members(text, r"type Options = \{"),
        "methods": members(text, r"interface Query extends[^{]*\{"),
        "control requests": set(subtypes), "hook events": words(text, r"HOOK_EVENTS: readonly \[(.*?)\]"),
        "tools": words(text, r"BUILTIN_TOOL_NAMES: readonly \[(.*?)\]"),
        "startup failures": words(text, r"type SDKStartupFailureReason = (.*?);"),
    }


def members(text, head):
    found = re.search(head + r"(.*?)^\}", text, re.M | re.S)
    return set(re.findall(r"^    (\w+)\??[:(]", found.group(1), re.M)) if found else set()


def words(text, pattern):
    found = re.search(pattern, text, re.S)
    return set(re.findall(r"'(\w+)'", found.group(1))) if found else set()


def python_names(sources):
    """The same of the Python SDK."""
    names = {"exports": set(), "options": set(), "control requests": set(), "hook events": set()}
    for node in ast.parse(sources["__init__.py"]).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            names["exports"] = {element.value for element in node.value.elts} - {"__version__"}
    for node in ast.parse(sources["types.py"]).body:
        if isinstance(node, ast.ClassDef) and node.name == "ClaudeAgentOptions":
            names["options"] = {entry.target.id for entry in node.body if isinstance(entry, ast.AnnAssign)}
        elif isinstance(node, ast.ClassDef) and re.fullmatch(r"SDKControl\w*Request", node.name):
            names["control requests"] |= {literal.value for entry in node.body if isinstance(entry, ast.AnnAssign)
                                          and entry.target.id == "subtype" for literal in ast.walk(entry)
                                          if isinstance(literal, ast.Constant) and isinstance(literal.value, str)}
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "HookEvent":
            names["hook events"] = {literal.value for literal in ast.walk(node.value) if isinstance(literal, ast.Constant)}
    return names


class Pages:
    """The names that our pages have. `…` in one stands for any letters."""

    def __init__(self, folder=ROOT):
        read = {name: (folder / "docs" / f"{name}.md").read_text() for name in ("from-python", "options", "control", "errors")}
        self.patterns = [re.compile(re.escape(name).replace("…", r"\w*")) for name in spoken(read["from-python"])
                         if name.strip("…")]
        self.options, self.control = spoken(read["options"]), spoken(read["control"]) | BY_FUNCTION
        self.failures = spoken(read["errors"])
        events = (folder / "src/requests/events.rs").read_text()
        self.events = set(re.findall(r'\bname: "(\w+)"', events))
        known = (folder / "src/names.rs").read_text().split("pub const TOOLS")[1].split("];")[0]
        self.tools = set(re.findall(r'"(\w+)"', known))
        # What the CLI asks of a host.
        self.asked = {"can_use_tool", "hook_callback", "mcp_message", "elicitation", "request_user_dialog"}

    def missing(self, names):
        """Pairs of the page that lacks a name, and the name."""
        table = {"exports": ("docs/from-python.md", self.has), "methods": ("docs/from-python.md", self.has),
                 "options": ("docs/options.md", self.options.__contains__),
                 "control requests": ("docs/control.md", (self.control | self.asked).__contains__),
                 "hook events": ("src/requests/events.rs", self.events.__contains__),
                 "tools": ("src/names.rs", self.tools.__contains__),
                 "startup failures": ("docs/errors.md", self.failures.__contains__)}
        for what, found in names.items():
            page, has = table[what]
            yield from ((page, f"{what}: {name}") for name in sorted(found) if not has(name))

    def has(self, name):
        # "the same in camel case"
        snake = re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower() if name[:1].islower() else name
        return any(pattern.fullmatch(word) for pattern in self.patterns for word in (name, snake))


def spoken(page):
    """The words in backticks outside of programs."""
    text = re.sub(r"^```.*?^```", "", page, flags=re.M | re.S)
    return {word for span in re.findall(r"`([^`]+)`", text) for word in re.findall(r"[\w…]+", span)}
