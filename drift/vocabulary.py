"""The words that the CLI knows: from its own lists, its help, and its texts about a wrong word."""
import json
import re

import shape


def of_frames(held):
    """What the held conversation says by itself."""
    words = {}
    for part, seen in held.items():
        labels = shape.Labels()
        for line in seen["frames"]:
            if line["dir"] in ("<", ">") and line["line"].startswith("{"):
                frame = json.loads(line["line"])
                collect(words, labels.of(line["dir"], frame), frame, part)
    return words


def collect(words, label, frame, part):
    payload = frame.get("response", {}).get("response", {}) if isinstance(frame.get("response"), dict) else {}

    def have(what, names, value="known"):
        words.setdefault(what, {}).update({name: value for name in names})

    if label == "< system init":
        have("capabilities", frame.get("capabilities", []))
        have("tools", [name for name in frame["tools"] if not name.startswith("mcp__")])
    elif label == "< reply initialize":
        have("commands", [command["name"] for command in payload["commands"]])
        have("agents", [agent["name"] for agent in payload["agents"]])
        have("output styles", payload["available_output_styles"])
        have("models", [model["value"] for model in payload["models"]])
    elif label == "< reply get_hooks_listing":
        for event in payload["eventCatalog"]:
            have("hook events", [event["name"]], "with a matcher" if event["supportsMatcher"] else "no matcher")
    elif part == "names" and re.match(r"< (reply|refusal) ", label) and label != "< reply initialize":
        unknown = frame["response"].get("error_code") == "unsupported_request"
        have("control requests", [label.split()[-1]], "unsupported_request" if unknown else "known")


def of_cli(stage):
    """What it says on its command line."""
    flags = {}
    for line in stage.run("--help").splitlines():
        found = re.match(r"\s+(?:-\w, )?(--[\w-]+)(?:, --[\w-]+)*((?: [<\[][^>\]]*[>\]])?)", line)
        if found:
            flags[found.group(1)] = "flag" + found.group(2)
    modes = stage.run("--permission-mode", "odd", "-p", "x")
    efforts = stage.run("--effort", "odd", "-p", "x")
    return {"flags": flags, "permission modes": dict.fromkeys(choices(modes), "known"),
            "effort values": dict.fromkeys(choices(efforts), "known")}


def choices(text):
    """The words that a text about a wrong word offers."""
    found = re.search(r"(?:[Aa]llowed choices are|must be one of|[Vv]alid (?:options|values|levels)(?: are)?:?|one of:?)\s*(.*)", text)
    return re.findall(r"\b[A-Za-z]+\b", found.group(1)) if found else []
