"""What the API is asked: how often, with which headers, members, tools and blocks of a system prompt."""
import re

import shape


def observe(held):
    requests, headers, body, tools, system = {}, {}, {}, {}, {}
    for part, seen in held.items():
        for request in seen["requests"]:
            key = f"{part}: {request['method']} {request['path']}"
            requests[key] = str(int(requests.get(key, "0")) + 1)
            for name, value in request["headers"].items():
                note_header(headers, name, value)
            sent = request["body"] if isinstance(request["body"], dict) else {}
            shape.add(body, {name: value for name, value in sent.items() if name not in ("tools", "system")})
            note_tools(tools, sent.get("tools", []))
            # The longest prompt of a part stands for it: others belong to subagents and small tasks.
            blocks = note_system(sent.get("system"))
            if len(blocks) > len(system.get(part, {})):
                system[part] = blocks
    return {"requests": requests, "headers": headers, "body": body, "tools": tools,
            "system": {f"{part}: {name}": value for part, blocks in system.items() for name, value in blocks.items()}}


def note_header(headers, name, value):
    headers.setdefault(name, "header")
    if name in ("anthropic-beta", "anthropic-version", "x-app"):
        headers.update({f"{name} = {word.strip()}": "value" for word in value.split(",")})


def note_tools(tools, offered):
    for tool in offered:
        members = sorted(tool.get("input_schema", {}).get("properties", {}))
        tools[tool["name"]] = " ".join(members) or tool.get("type", "-")


def note_system(system):
    """A line for each block, and for each heading in it; the text itself is the CLI's."""
    blocks = [{"type": "text", "text": system}] if isinstance(system, str) else system or []
    seen = {}
    for number, block in enumerate(blocks):
        cached = f", cached ({block['cache_control'].get('type')})" if "cache_control" in block else ""
        seen[f"block {number}"] = f"{block['type']}{cached}"
        seen.update({f"block {number} {line.strip()}": "heading" for line in re.findall(r"^#+ .*", block.get("text", ""), re.M)})
    return seen
