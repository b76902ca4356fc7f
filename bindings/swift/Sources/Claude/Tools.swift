import CClaude

/// A function that the model can use, as `mcp__<server>__<name>`.
public struct Tool: Sendable {
    let document: JSON
    let call: @Sendable (ToolCall) async throws -> String

    /// `maxConcurrency` 0: any number of calls at once. `call` returns the text of the answer. It has a task of its own, which is
    /// cancelled when the answer is not wanted any more. The model reads a `Refusal` that it throws; another error fails the call as
    /// well, and comes out of the next wait of the client.
    public init(
        _ name: String, description: String = "", inputSchema: JSON? = nil, annotations: JSON? = nil, maxConcurrency: Int = 0,
        call: @escaping @Sendable (ToolCall) async throws -> String
    ) {
        var members: [(String, JSON)] = [
            ("name", JSON(name)), ("description", JSON(description)), ("max_concurrency", JSON(maxConcurrency)),
        ]
        if let inputSchema { members.append(("inputSchema", inputSchema)) }
        if let annotations { members.append(("annotations", annotations)) }
        document = JSON.object(members)
        self.call = call
    }
}

/// Holds tools, for one client or several.
public final class ToolServer: Sendable {
    let handle: Handle
    private let tools = Locked<(last: UInt, all: [UInt: Tool])>((0, [:]))

    /// Options as docs/tools.md has them.
    public init(_ name: String, options: JSON? = nil, tools: [Tool] = []) throws {
        let name = cText(name)
        let options = cText(options)
        var server: OpaquePointer?
        try check { claude_mcp_server_create(name, options, &server, $0) }
        handle = Handle(server)
        for tool in tools { try add(tool) }
    }

    deinit { claude_mcp_server_free(handle.pointer) } // clients keep what they need

    /// Adds a tool; CLIs that are connected hear of it.
    public func add(_ tool: Tool) throws {
        let document = cText(tool.document)
        let number = tools.with { tools in
            tools.last = ToolServer.numbers.with { $0 += 1; return $0 }
            tools.all[tools.last] = tool
            return tools.last
        }
        try check {
            claude_mcp_server_add_tool(handle.pointer, document, nil, UnsafeMutableRawPointer(bitPattern: number), nil, $0)
        }
    }

    /// Removes a tool; CLIs that are connected hear of it.
    public func remove(_ name: String) throws {
        let name = cText(name)
        try check { claude_mcp_server_remove_tool(handle.pointer, name, $0) }
    }

    func tool(_ number: UInt) -> Tool? { tools.with { $0.all[number] } }

    /// A client may have several servers, so a tool's number is its own in the whole process.
    private static let numbers = Locked<UInt>(0)
}

/// One use of a tool. What is added comes before the text that the function returns. It must not be used behind its function.
public struct ToolCall: Sendable {
    /// The tool, without the server.
    public let name: String
    /// An object that fits the schema.
    public let arguments: JSON
    /// All of the call.
    public let json: JSON
    let handle: Handle

    public func decode<T: Decodable>(_ type: T.Type = T.self) throws -> T { try arguments.decode(type) }

    /// How far the work is; total 0: not known.
    public func progress(_ done: Double, of total: Double = 0, message: String? = nil) throws {
        let message = cText(message)
        try check { claude_tool_call_progress(handle.pointer, done, total, message, $0) }
    }

    public func addText(_ text: String) throws {
        let text = cText(text)
        try check { claude_tool_call_add_text(handle.pointer, text, $0) }
    }

    /// The bytes of a picture's file.
    public func addImage(_ file: [UInt8], mimeType: String) throws {
        let type = cText(mimeType)
        try check { claude_tool_call_add_image(handle.pointer, file, file.count, type, $0) }
    }

    /// Any other content block of MCP.
    public func addBlock(_ block: JSON) throws {
        let block = cText(block)
        try check { claude_tool_call_add_block(handle.pointer, block, $0) }
    }

    /// The `structuredContent` of the result.
    public func setStructured(_ content: JSON) throws {
        let content = cText(content)
        try check { claude_tool_call_set_structured(handle.pointer, content, $0) }
    }

    /// The `_meta` of the result.
    public func setMeta(_ meta: JSON) throws {
        let meta = cText(meta)
        try check { claude_tool_call_set_meta(handle.pointer, meta, $0) }
    }
}

extension Client {
    /// Adds a server with tools. The CLI learns of it when connecting; later, by `setMCPServers`.
    public func add(_ server: ToolServer) throws {
        core.state.with { $0.servers.append(server) }
        try check { claude_client_add_mcp_server(core.handle.pointer, server.handle.pointer, $0) }
    }

    /// Adds tools under the name of a server that is made for them.
    public func addTools(_ server: String, _ tools: Tool...) throws { try add(ToolServer(server, tools: tools)) }
}

extension Core {
    func call(_ event: Event) {
        let call = Handle(event.call)
        let servers = state.with { $0.servers }
        guard let tool = servers.lazy.compactMap({ $0.tool(event.number) }).first else {
            return claude_tool_call_free(call.pointer) // which fails it
        }
        run(Asked(isTool: true, id: event.id)) {
            claude_tool_call_free(call.pointer)
        } refuse: { why in
            let why = cText(why)
            claude_tool_call_fail(call.pointer, why, nil)
        } function: {
            var length = 0
            let name = copy(claude_tool_call_name(call.pointer, &length), length)
            let arguments = copy(claude_tool_call_arguments(call.pointer, &length), length)
            let used = ToolCall(name: name, arguments: JSON(text: arguments), json: event.json, handle: call)
            let answer = try await tool.call(used)
            let added = cText(answer.isEmpty ? nil : answer)
            claude_tool_call_finish(call.pointer, added, nil)
        }
    }
}
