"""What is looked at in frames and requests: the JSON paths with their types for each kind of frame, and the order of kinds."""
import json
import re

# Members whose values are words of the protocol, and are kept beside the type.
WORDS = {"type", "subtype", "status", "reason", "terminal_reason", "stop_reason", "permissionMode", "permission_mode", "mode",
         "state", "source", "kind", "origin", "error_code", "code", "behavior", "trigger", "startup_failure_reason",
         "hook_event_name", "notification_type", "apiKeySource", "outcome", "action", "error"}
WORD = re.compile(r"[A-Za-z][A-Za-z0-9_/-]{0,40}")
# Names that a run makes up: ids, paths, models, tools, prompts.
MADE_UP = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|^(?:toolu|msg|req|hook)_|[/\\.?]|^claude-|^mcp__|^\d+$|^[0-9a-f]{12,}$|^[a-z0-9]{8,10}$(?<=\d.)")
# Objects whose names are not the protocol's: what a tool is given, the environment of a server, and the like.
OPEN = {"tool_input", "input", "updatedInput", "arguments", "env", "answers", "modelUsage", "headers", "inputSchema",
        "input_schema", "jsonSchema", "structured_output", "requested_schema", "tool_counts"}
TYPES = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null", list: "array", dict: "object"}


def paths(value, at=""):
    """Pairs of a path and the type that is there."""
    yield at or "/", TYPES[type(value)]
    name = at.rsplit("/", 1)[-1]
    if isinstance(value, dict):
        if name in OPEN and "hook_event_name" not in value:
            return
        for member, inner in value.items():
            yield from paths(inner, f"{at}/{'*' if MADE_UP.search(member) else member}")
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{at}/[]")
    elif isinstance(value, str) and name in WORDS and WORD.fullmatch(value) and not MADE_UP.search(value):
        yield f"{at} = {value}", "word"


def add(facts, value):
    """Adds what is seen in one more value; several types of one path are joined."""
    for path, kind in paths(value):
        kinds = set(facts.get(path, kind).split("|")) | {kind}
        facts[path] = "|".join(sorted(kinds))


class Labels:
    """Names frames by what they are. A reply is named by its request."""

    def __init__(self):
        self.asked = {}

    def of(self, direction, frame):
        kind = frame.get("type", "?")
        if kind == "control_request":
            request = frame.get("request", {})
            name = request.get("subtype", "?")
            event = request.get("input", {}).get("hook_event_name") if name == "hook_callback" else None
            method = request["message"].get("method", "reply") if name == "mcp_message" else None
            name = " ".join(filter(None, [name, event or method]))
            self.asked[frame.get("request_id")] = name
            return f"{direction} request {name}"
        if kind in ("control_response", "control_cancel_request"):
            response = frame.get("response", frame)
            name = self.asked.get(response.get("request_id"), "of nobody")
            how = {"error": "refusal"}.get(response.get("subtype"), "reply") if kind == "control_response" else "cancel"
            return f"{direction} {how} {name}"
        inner = frame.get("event", {}).get("type") if kind == "stream_event" else frame.get("subtype")
        return " ".join(filter(None, [direction, kind, inner]))


def moment(label, frame):
    """The name under which a frame has its place in the order; none for answers of the host, whose order is its own."""
    if label.startswith("> reply") or re.match(r"< (reply|refusal) (hook_callback|can_use_tool|mcp_message|elicitation)", label):
        return None
    return " ".join(filter(None, [label, frame.get("state")])) if label in STATES else label


STATES = {"< system session_state_changed", "< command_lifecycle"}
# Things that go on beside each other, each pair as two patterns of labels.
BESIDE = [(re.compile(one), re.compile(other)) for one, other in (
    # With a block of a message the CLI begins at once: a tool runs, and a text is shown, while the rest of the message still comes.
    (r"< request (can_use_tool|elicitation|mcp_message tools/call)"
     r"|< request hook_callback (PreToolUse|PermissionRequest|PermissionDenied|PostTool\w+|Elicitation\w*|Notification|MessageDisplay)"
     r"|< system (hook_\w+|session_state_changed requires_action)",
     r"< stream_event (content_block_stop|message_delta|message_stop)"),
    # The host's MCP servers are connected with while the session starts.
    (r"< request mcp_message (initialize|notifications/initialized|tools/list)",
     r"< reply initialize|> user|< system session_state_changed running|< command_lifecycle \w+"),
)]


def beside(one, other):
    """Whether two frames belong to things that go on beside each other, so that either may come first."""
    return any(this.fullmatch(one) and that.fullmatch(other) or this.fullmatch(other) and that.fullmatch(one)
               for this, that in BESIDE)


def observe(held):
    """The paths of each kind of frame, and the order of frames in each step."""
    frames, order = {}, {}
    for part, seen in held.items():
        labels, step = Labels(), "start"
        for line in seen["frames"]:
            if line["dir"] == "step":
                step = line["line"]
                continue
            label, frame = line["dir"], {}
            if label in "<>":
                frame = parsed(line["line"])
                label = labels.of(label, frame)
                # Requests without their members are for the vocabulary.
                if part != "names":
                    add(frames.setdefault(label, {}), frame)
            elif label == "start":
                frames.setdefault(label, {}).update({word.split("=")[0]: "flag" for word in line["line"] if word.startswith("--")})
            else:
                label = f"exit {line['line']}"
            place, steps = moment(label, frame), order.setdefault(f"{part}: {step}", [])
            if place and place not in steps and part != "names":
                steps.append(place)
    return {"frames": frames, "order": {step: labels for step, labels in order.items() if labels}}


def parsed(line):
    try:
        return json.loads(line)
    except ValueError:
        return {"type": "no JSON"}
