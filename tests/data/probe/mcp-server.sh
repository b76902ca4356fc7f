#!/bin/sh
# A small MCP server over stdio: the tools `echo` and `fail`, and one resource.
while IFS= read -r line; do
    id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
    [ -n "$id" ] || continue
    case $line in
        *'"initialize"'*)
            result='{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"resources":{}},"serverInfo":{"name":"small","version":"1.0.0"}}' ;;
        *'"tools/list"'*)
            result='{"tools":[{"name":"echo","description":"Says it again","inputSchema":{"type":"object"}},{"name":"fail","description":"Fails","inputSchema":{"type":"object"}}]}' ;;
        *'"tools/call"'*'"fail"'*)
            result='{"content":[{"type":"text","text":"it failed"}],"isError":true}' ;;
        *'"tools/call"'*)
            word=$(printf '%s' "$line" | sed -n 's/.*"word":"\([a-z]*\)".*/\1/p')
            result="{\"content\":[{\"type\":\"text\",\"text\":\"echo: $word\"}]}" ;;
        *'"resources/list"'*)
            result='{"resources":[{"uri":"ui://small/page","name":"page","mimeType":"text/html"}]}' ;;
        *'"resources/read"'*)
            result='{"contents":[{"uri":"ui://small/page","mimeType":"text/html","text":"<p>hello</p>"}]}' ;;
        *) result='{}' ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
