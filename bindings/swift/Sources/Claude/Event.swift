import CClaude

/// What was pulled. A request or tool call in it belongs to whoever has the event.
struct Event: @unchecked Sendable {
    let kind: MessageKind
    let status: Status
    let requestKind: RequestKind
    let id: UInt64
    /// Of the operation, the tool, the hook or the MCP handler.
    let number: UInt
    let text: String
    let request: OpaquePointer?
    let call: OpaquePointer?

    var json: JSON { JSON(text: text.isEmpty ? "null" : text) }

    /// How something ended; nil: as it should.
    var error: ClaudeError? { status == .ok ? nil : ClaudeError(status, JSON(text: text.isEmpty ? "{}" : text)) }
}

extension Core {
    enum Polled {
        case event(Event), nothing, over
    }

    /// Pulls what is queued, without waiting.
    func poll(_ lanes: claude_lanes_t) -> Polled {
        var event: OpaquePointer?
        var info = claude_event_info_t()
        info.size = MemoryLayout<claude_event_info_t>.size
        let status = claude_client_next(handle.pointer, lanes, 0, &event, nil)
        if status == CLAUDE_ERR_TIMEOUT || status == CLAUDE_ERR_CANCELLED { return .nothing }
        guard status == CLAUDE_OK, claude_event_info(event, &info, nil) == CLAUDE_OK else { return .over }
        defer { claude_event_free(event) }
        var request, call: OpaquePointer?
        if info.kind == CLAUDE_EVENT_REQUEST { claude_event_take_request(event, &request, nil) }
        if info.kind == CLAUDE_EVENT_TOOL_CALL { claude_event_take_tool_call(event, &call, nil) }
        return .event(
            Event(
                kind: MessageKind(rawValue: info.kind.rawValue), status: Status(info.status),
                requestKind: RequestKind(rawValue: info.request_kind.rawValue), id: info.id,
                number: UInt(bitPattern: info.user_data), text: copy(info.json, info.len), request: request, call: call))
    }
}
