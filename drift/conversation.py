"""The fixed conversation: about two dozen turns in a few sessions that bring every kind of message, request, hook and reply that
the stand-in for the API can make the CLI write."""
import json
import re
import sys

from library import Failed, ROOT
from stage import Stage

EVENTS = [
    "PreToolUse", "PostToolUse", "PostToolUseFailure", "PostToolBatch", "PermissionRequest", "UserPromptSubmit",
    "UserPromptExpansion", "Stop", "SubagentStart", "SubagentStop", "PreCompact", "PostCompact", "SessionStart", "SessionEnd",
    "Notification", "PreModelSwitch", "PostModelSwitch", "MessageDisplay", "Elicitation", "ElicitationResult", "TaskCreated",
    "TaskCompleted", "ConfigChange", "InstructionsLoaded", "CwdChanged", "PreSkillShellCommand",
]

SMALL = {"command": "sh", "args": [str(ROOT / "tests/data/probe/mcp-server.sh")]}
ASKER = {"type": "stdio", "command": sys.executable, "args": [str(ROOT / "tests/data/elicit_server.py")]}

# Every request of docs/control.md, and what the control functions send, with members that the CLI accepts. FILE and
# FOLDER stand for paths, PROMPT for the uuid of a prompt.
CONTROLS = [
    {"subtype": "mcp_status"},
    {"subtype": "mcp_reconnect", "serverName": "small"},
    {"subtype": "mcp_toggle", "serverName": "small", "enabled": False},
    {"subtype": "mcp_toggle", "serverName": "small", "enabled": True},
    {"subtype": "mcp_call", "tool": "mcp__small__echo", "arguments": {"word": "hi"}},
    {"subtype": "mcp_read_resource", "serverName": "small", "uri": "ui://small/page"},
    {"subtype": "set_mcp_permission_mode_override", "serverName": "small", "mode": "auto"},
    {"subtype": "set_mcp_permission_mode_override", "serverName": "small", "mode": None},
    {"subtype": "mcp_set_servers", "servers": {}},
    {"subtype": "background_tasks"},
    {"subtype": "cancel_async_message", "message_uuid": "00000000-0000-4000-8000-000000000000"},
    {"subtype": "stop_task", "task_id": "none"},
    {"subtype": "get_context_usage"},
    {"subtype": "get_context_usage", "detail": "summary"},
    {"subtype": "rewind_files", "user_message_id": "PROMPT", "dry_run": True},
    {"subtype": "get_usage"},
    {"subtype": "set_max_thinking_tokens", "max_thinking_tokens": 2000},
    {"subtype": "set_max_thinking_tokens", "max_thinking_tokens": None},
    {"subtype": "get_settings"},
    {"subtype": "apply_flag_settings", "settings": {"effortLevel": "low"}},
    {"subtype": "apply_flag_settings", "settings": {"effortLevel": None}},
    {"subtype": "update_settings", "source": "localSettings", "settings": {"outputStyle": "default"}},
    {"subtype": "reload_plugins"},
    {"subtype": "reload_skills"},
    {"subtype": "reload_output_styles"},
    {"subtype": "list_models"},
    {"subtype": "rename_session", "title": "A title"},
    {"subtype": "read_file", "path": "FILE"},
    {"subtype": "seed_read_state", "path": "FILE", "mtime": 1700000000000},
    {"subtype": "get_binary_version"},
    {"subtype": "get_session_cost"},
    {"subtype": "list_permission_rules"},
    {"subtype": "get_hooks_listing"},
    {"subtype": "file_suggestions", "query": "file"},
    {"subtype": "set_has_subscribers", "has_subscribers": True},
    {"subtype": "register_repo_root", "directory": "FOLDER"},  # Refused: it is the session's own.
    {"subtype": "set_peer_delivery", "shows_held_messages": True, "account": False},
    {"subtype": "decide_held_peer_message", "hold_id": "none", "decision": "drop"},
    {"subtype": "set_permission_mode", "mode": "plan"},
    {"subtype": "set_permission_mode", "mode": "default"},
    {"subtype": "set_model", "model": "haiku"},
    {"subtype": "set_model"},
    {"subtype": "interrupt"},
    # What it refuses.
    {"subtype": "mcp_call", "tool": "mcp__small__fail", "arguments": {}},
    {"subtype": "mcp_call", "tool": "mcp__small__fail", "arguments": {}, "soft_error_result": True},
    {"subtype": "get_task_output", "task_id": "none"},
    {"subtype": "set_permission_mode", "mode": "bypassPermissions"},
    {"subtype": "rename_session", "title": " "},
    {"subtype": "no_such_thing"},
]

# More names that a CLI may know.
REQUESTS = {"set_color"}


def call(name, **members):
    return "USE_TOOL " + json.dumps({"name": name, "input": members})


def calc(asked):
    """An MCP server in the host, with one tool."""
    message = asked["message"]
    results = {
        "initialize": {"protocolVersion": message.get("params", {}).get("protocolVersion"), "capabilities": {"tools": {}},
                       "serverInfo": {"name": "calc", "version": "1"}},
        "tools/list": {"tools": [{"name": "add", "description": "Adds.",
                                  "inputSchema": {"type": "object", "properties": {"a": {"type": "number"}}}}]},
        "tools/call": {"content": [{"type": "text", "text": "3"}], "isError": False},
    }
    return {"jsonrpc": "2.0", "id": message.get("id"), "result": results.get(message["method"], {})}


def permission(asked):
    if asked["tool_name"] == "AskUserQuestion":
        return {"behavior": "allow", "updatedInput": {**asked["input"], "answers": {"Which?": "A"}}}
    return "deny" if "denied" in json.dumps(asked["input"]) else "allow"


ANSWERS = {"can_use_tool": permission, "mcp_message": calc,
           "elicitation": lambda _: {"action": "accept", "content": {"name": "Ada"}}}


def ask(session):
    session.answers = ANSWERS
    return session


def tools(stage):
    """Every tool, hook and command in one conversation."""
    skill = "---\nname: mark\ndescription: marks\nallowed-tools: Bash\n---\nOutput: !`touch mark; echo marked`\n"
    stage.file(".claude/skills/mark/SKILL.md", skill)
    session = ask(stage.session(
        include_partial_messages=True, include_hook_events=True, extra_args={"replay-user-messages": None},
        env={"ENABLE_TOOL_SEARCH": "false"}, setting_sources=["project"],
        agents={"helper": {"description": "Helps.", "prompt": "You help."}}, mcp_servers={"asker": ASKER},
        settings={"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "true"}]}]}}))
    for event in EVENTS:
        session.hook(event)
    session.library.claude_client_add_mcp_handler(session.client, "calc")
    session.connect()
    file = str(stage.work / "a.txt")
    session.turn("What is the capital of France?")
    session.turn("THINK about it")
    session.turn("/mark")
    session.turn(call("Bash", command="touch x && echo hi", description="Make a file"))
    session.turn(call("Bash", command="touch denied", description="Make a file"))
    session.turn(call("Bash", command="false", description="Fail"))
    session.turn(call("Write", file_path=file, content="one\n"))
    session.turn(call("Edit", file_path=file, old_string="one", new_string="two"))
    session.turn(call("Read", file_path=file))
    session.turn(call("mcp__calc__add", a=1))
    session.turn(call("mcp__asker__ask_name"))
    session.turn(call("AskUserQuestion", questions=[{
        "question": "Which?", "header": "Pick", "multiSelect": False,
        "options": [{"label": "A", "description": "a"}, {"label": "B", "description": "b"}]}]))
    session.control(subtype="set_model", model="claude-sonnet-4-5")
    session.control(subtype="set_permission_mode", mode="acceptEdits")
    session.turn("/compact")
    session.turn("/clear")
    session.turn("What is 2+2?")
    session.control(subtype="set_permission_mode", mode="default")
    session.close()


def background(stage):
    """A subagent, a shell in the background, and an end of its own."""
    session = ask(stage.session(agents={"helper": {"description": "Helps.", "prompt": "You help."}},
                                env={"ENABLE_TOOL_SEARCH": "false"}, forward_subagent_text=True))
    session.connect()
    stage.step("helper")
    session.result(session.query("Start the helper"), settle=False)
    session.until(lambda message: message.get("type") == "result" and isinstance(message.get("origin"), dict))
    stage.settle()
    session.turn("Wait in the background")
    task = next(message["task_id"] for message in session.messages if message.get("task_type") == "local_bash")
    session.control(subtype="get_task_output", task_id=task)
    session.control(subtype="stop_task", task_id=task)
    session.close()


def controls(stage):
    """Every control request."""
    file = str(stage.file("file.txt", "file text"))
    session = ask(stage.session(mcp_servers={"small": SMALL}, enable_file_checkpointing=True, system_prompt="Be brief."))
    session.connect()
    prompt = session.query("hello")
    session.result(prompt)
    while session.control(subtype="mcp_status")["mcpServers"][0]["status"] != "connected":
        pass
    stage.step("controls")
    for request in CONTROLS:
        filled = {name: {"FILE": file, "FOLDER": str(stage.work), "PROMPT": prompt}.get(value, value) if isinstance(value, str) else value
                  for name, value in request.items()}
        try:
            session.control(**filled)
        except Failed:
            pass  # The frame says why.
    session.close()


def failures(stage):
    """Errors of the API, and an interrupt."""
    session = ask(stage.session(include_partial_messages=True))
    session.connect()
    session.turn("API_ERROR 529")
    session.turn("API_ERROR 400")
    stage.step("interrupt")
    prompt = session.query("SLOW 400 100")
    session.until(lambda message: "word2" in json.dumps(message.get("event", "")))
    session.operation("claude_client_interrupt")
    session.result(prompt)
    session.turn("still here?")
    session.close()


def limits(stage):
    """A turn that ends at a limit."""
    session = ask(stage.session(max_turns=1)).connect()
    session.turn(call("Bash", command="echo hi", description="Say hi"))
    session.close()


def structured(stage):
    """A structured output."""
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    session = ask(stage.session(output_format={"type": "json_schema", "schema": schema})).connect()
    session.turn("Give me a.")
    session.close()


def resumed(stage):
    """A session that is mirrored, and gone on with in a copy."""
    first = ask(stage.session(session_mirror=True)).connect()
    name = first.turn("Hello")["session_id"]
    first.close()
    second = ask(stage.session(resume=name, fork_session=True)).connect()
    second.turn("RECALL 1")
    second.close()


def quiet(stage):
    """A host that answers no permission requests; the CLI's own prompt."""
    session = stage.session(system_prompt={"type": "preset", "preset": "claude_code"}).connect(asks=False)
    session.turn(call("Bash", command="touch y", description="Make a file"))
    session.close()


def refused(stage):
    """A session that is not there, and starts that the CLI refuses."""
    for options in [{"resume": "00000000-0000-4000-8000-000000000000"}, {"extra_args": {"no-such-flag": None}},
                    {"managed_settings": {"disableSideloadFlags": True}, "mcp_servers": {"small": SMALL}}]:
        session = stage.session(env={"CLAUDE_CODE_STARTUP_FAILURE_RESULTS": "1"}, **options)
        try:
            session.connect(asks=False)
        except Failed:
            pass  # The frames say why.
        session.close()


def names(stage):
    """Which control requests the CLI knows: each without any members, but for those that would end or change too much."""
    session = ask(stage.session()).connect()
    session.turn("hello")
    stage.step("names")
    for name in sorted(requests_of_the_page() | {request["subtype"] for request in CONTROLS} | REQUESTS):
        try:
            session.control(subtype=name)
        except Failed:
            pass  # The frame says why.
    session.close()


def requests_of_the_page():
    """The requests that docs/control.md lists."""
    table = (ROOT / "docs/control.md").read_text().split("## Requests without a function of their own")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)`", table, re.M))


PARTS = [tools, background, controls, failures, limits, structured, resumed, quiet, refused, names]


def hold(library, cli, api, slow_ms=0, parts=PARTS):
    """Holds it: for each part the lines between the library and the CLI, and the requests to the API."""
    held = {}
    for part in parts:
        with Stage(library, cli, api, slow_ms) as stage:
            try:
                part(stage)
            except (Failed, TimeoutError) as error:
                sys.exit(f"drift: the session {part.__name__!r} came to no end with {cli}: {error}")
            held[part.__name__] = {"frames": stage.frames(), "requests": stage.requests()}
    return held
