"""A stdio MCP server whose tool `ask_name` asks the user for a name by elicitation and returns what came of it."""
import json
import sys


def send(message):
    sys.stdout.write(json.dumps(dict({"jsonrpc": "2.0"}, **message)) + "\n")
    sys.stdout.flush()


def receive():
    line = sys.stdin.readline()
    return json.loads(line) if line else None


def elicit():
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    send({"id": "ask", "method": "elicitation/create",
          "params": {"message": "Your name?", "requestedSchema": schema}})
    while True:
        message = receive()
        if message is None:
            return {"action": "gone"}
        if message.get("id") == "ask":
            return message.get("result", message.get("error"))


def answer(method, params):
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                "serverInfo": {"name": "asker", "version": "1"}}
    if method == "tools/list":
        return {"tools": [{"name": "ask_name", "description": "Asks for a name.",
                           "inputSchema": {"type": "object", "properties": {}}}]}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": json.dumps(elicit(), sort_keys=True)}]}
    return {}


while True:
    message = receive()
    if message is None:
        break
    if "id" in message and "method" in message:
        send({"id": message["id"], "result": answer(message["method"], message.get("params", {}))})
