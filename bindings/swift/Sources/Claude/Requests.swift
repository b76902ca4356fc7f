import CClaude

/// Something that the CLI asks.
public struct Request: Sendable {
    public let kind: RequestKind
    public let id: UInt64
    /// As the CLI wrote it.
    public let json: JSON
    let handle: Handle

    /// The tool of a permission request.
    public var toolName: String { json["/tool_name"] ?? "" }
    /// The input of the tool, or of a hook.
    public var input: JSON { JSON(text: json["/input"] ?? "null") }

    /// What has become of it; `.closed` behind its function.
    public var state: RequestState { RequestState(rawValue: claude_request_state(handle.pointer).rawValue) }

    /// Gives it so much time from now, in place of the option `request_timeout_ms`; nil: as much as it takes. `action` is what the CLI
    /// gets then, "deny" or "error"; nil: as the option `request_timeout_action` says.
    public func setDeadline(_ time: Duration?, action: String? = nil) throws {
        let action = cText(action)
        let time = time.map(milliseconds) ?? CLAUDE_WAIT_FOREVER
        try check { claude_request_set_deadline(handle.pointer, time, action, $0) }
    }
}

/// Answers a request, when it likes: it has a task of its own, which is cancelled when the CLI does not want the answer any more. A
/// `Refusal` that it throws refuses, and the model reads its text; another error refuses as well, and comes out of the next wait.
public typealias RequestHandler = @Sendable (Request) async throws -> Reply

/// What the CLI is told.
public struct Reply: Sendable {
    let give: @Sendable (Handle, ErrorSlot) -> claude_status_t

    /// Lets the tool run.
    public static var allow: Reply { Reply { claude_request_allow($0.pointer, nil, nil, $1) } }

    /// Lets the tool run with another input, or with other rules, by a list as in `permission_suggestions`; nil: as they are.
    public static func allow(input: JSON?, permissions: JSON? = nil) -> Reply {
        let input = cText(input)
        let permissions = cText(permissions)
        return Reply { claude_request_allow($0.pointer, input, permissions, $1) }
    }

    /// Refuses the tool; the model reads why. With `interrupt` the turn ends as well.
    public static func deny(_ why: String, interrupt: Bool = false) -> Reply {
        let why = cText(why)
        return Reply { claude_request_deny($0.pointer, why, interrupt, $1) }
    }

    /// Answers the tool AskUserQuestion: a list with a number, a text or a list of these for each question.
    public static func answers(_ answers: JSON) -> Reply {
        let answers = cText(answers)
        return Reply { claude_request_answer_questions($0.pointer, answers, $1) }
    }

    /// The payload of a success response, such as that of a hook: an empty object for no opinion.
    public static func respond(_ payload: JSON) -> Reply {
        let payload = cText(payload)
        return Reply { claude_request_respond($0.pointer, payload, $1) }
    }
}

extension Client {
    /// Registers who decides about tools. Before connecting.
    public func onPermission(_ handler: @escaping RequestHandler) throws {
        core.state.with { $0.permission = handler }
        try check { claude_client_on_permission(core.handle.pointer, nil, nil, nil, $0) }
    }

    /// Registers who answers what has no function of its own. Before connecting.
    public func onRequest(_ handler: @escaping RequestHandler) throws {
        core.state.with { $0.request = handler }
        try check { claude_client_on_request(core.handle.pointer, nil, nil, nil, $0) }
    }

    /// Makes messages of the lines of stderr.
    public func wantStderr() throws {
        try check { claude_client_on_stderr(core.handle.pointer, nil, nil, nil, $0) }
    }

    /// Adds a hook, answered by `.respond`. nil stands for all tools, and for the CLI's own deadline. Before connecting.
    public func addHook(
        _ event: String, matcher: String? = nil, deadline: Duration? = nil, onFailure: HookFailure = .continue,
        _ handler: @escaping RequestHandler
    ) throws {
        let event = cText(event)
        let matcher = cText(matcher)
        let number = core.name(handler)
        try check {
            claude_client_add_hook(
                core.handle.pointer, event, matcher, deadline.map(milliseconds) ?? 0,
                claude_hook_failure_t(rawValue: onFailure.rawValue), nil, number, nil, $0)
        }
    }

    /// Adds an MCP server that speaks JSON-RPC itself, answered by `.respond`.
    public func addMCPHandler(_ server: String, _ handler: @escaping RequestHandler) throws {
        let server = cText(server)
        let number = core.name(handler)
        try check { claude_client_add_mcp_handler(core.handle.pointer, server, nil, number, nil, $0) }
    }

    /// Says that the host can show a kind of dialog, which `onRequest` gets.
    public func declareDialog(_ kind: String) throws {
        let kind = cText(kind)
        try check { claude_client_declare_dialog(core.handle.pointer, kind, $0) }
    }

    /// The open requests, oldest first.
    public func pendingRequests() throws -> JSON {
        JSON(text: try text { claude_client_pending_requests(core.handle.pointer, $0, $1) })
    }

    /// Answers an open request by its `id`, from anywhere; the first answer counts. The task of the function that was asked is
    /// cancelled. `Status.notFound`: none with this id is open.
    public func answerRequest(_ id: UInt64, _ reply: Reply) throws {
        var taken: OpaquePointer?
        try check { claude_client_take_request(core.handle.pointer, id, &taken, $0) }
        let request = Handle(taken)
        defer { claude_request_free(request.pointer) }
        try check { reply.give(request, $0) }
        core.forget(Core.Asked(isTool: false, id: id))
    }
}

extension Core {
    /// Keeps a handler under a number, which C gets as its `user_data`.
    func name(_ handler: @escaping RequestHandler) -> UnsafeMutableRawPointer? {
        let number = freshNumber()
        state.with { $0.named[number] = handler }
        return UnsafeMutableRawPointer(bitPattern: number)
    }

    func answer(_ event: Event) {
        let request = Handle(event.request)
        let handler = state.with { state in
            state.named[event.number] ?? (event.requestKind == .permission ? state.permission : nil) ?? state.request
        }
        guard let handler else { return claude_request_free(request.pointer) } // which refuses it
        run(Asked(isTool: false, id: event.id)) {
            claude_request_free(request.pointer)
        } refuse: { why in
            // An answer that was given already stands.
            let why = cText(why)
            if event.requestKind == .permission {
                claude_request_deny(request.pointer, why, false, nil)
            } else {
                claude_request_fail(request.pointer, why, nil)
            }
        } function: {
            let reply = try await handler(Request(kind: event.requestKind, id: event.id, json: event.json, handle: request))
            do {
                try check { reply.give(request, $0) }
            } catch Status.stale, Status.closed {
                // Nobody wants it any more.
            }
        }
    }
}
