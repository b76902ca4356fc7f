import CClaude

/// One conversation with one CLI. Every method may be called from any task and thread.
///
/// An idle client costs no thread: its tasks wait as continuations. Messages are pulled when they are read, so that a reader that
/// stops holds up the CLI and not the memory; requests are answered meanwhile, each in a task of its own.
public final class Client: Sendable {
    let core: Core

    /// Makes a client, which `connect` starts. Nothing runs until then.
    public init(_ options: Options = [:]) throws { core = try Core(options) }

    deinit {
        let core = core
        Task.detached { await core.close() }
    }

    /// Makes a client and starts its CLI; `setUp` registers what it wants before that.
    public static func connect(
        _ options: Options = [:], setUp: @Sendable (Client) throws -> Void = { _ in }
    ) async throws -> Client {
        let client = try Client(options)
        do {
            try setUp(client)
            try await client.connect()
        } catch {
            await client.close()
            throw error
        }
        return client
    }

    /// Starts the CLI. A cancelled task ends the session again. What it returns is what `serverInfo` is.
    @discardableResult
    public func connect() async throws -> JSON {
        core.startServing()
        do {
            return try await core.operation { claude_client_connect(core.handle.pointer, nil, nil, $0, $1) }
        } catch let error as CancellationError {
            claude_client_disconnect(core.handle.pointer, nil, nil, nil)
            throw error
        }
    }

    /// Ends the session; what the CLI still wrote can be read.
    public func disconnect() async throws { try await core.disconnect() }

    /// Ends the session and waits until the CLI is gone and no function of this client runs. It returns how the session ended: nil
    /// when that was as it should. A client that is let go of does the same, without anybody who waits.
    @discardableResult
    public func close() async -> ClaudeError? {
        await core.close()
        return core.state.with { $0.end ?? nil }
    }

    /// Sends a prompt and returns its uuid. `ask` reads the answer as well.
    @discardableResult
    public func query(_ prompt: String) throws -> String { try core.query(prompt) }

    /// Sends a whole user message, with images, several blocks, a priority and so on; its uuid.
    @discardableResult
    public func send(_ message: JSON) throws -> String { try core.send(message) }

    /// No more prompts will come: the CLI finishes its turns and exits.
    public func endInput() throws { try check { claude_client_end_input(core.handle.pointer, $0) } }

    /// The same when every prompt has its result and nothing goes on that may need the host.
    public func endInputAfterRun() throws { try check { claude_client_end_input_after_run(core.handle.pointer, $0) } }

    /// Sends a prompt when its loop begins, and yields the messages up to the end of its turn. One answer at a time.
    public func ask(_ prompt: String) -> Answer { Answer(core: core) { [core] in try core.query(prompt) } }

    /// The same for a whole user message, as `send` takes it.
    public func ask(_ message: JSON) -> Answer { Answer(core: core) { [core] in try core.send(message) } }

    /// Everything that comes, for programs that do not `ask`.
    public var messages: Messages { Messages(core: core) }

    /// Waits for a message; nil behind the last one of a session that ended as it should.
    public func next() async throws -> Message? { try await core.next() }

    /// Where the client stands.
    public var state: ClientState { ClientState(rawValue: claude_client_state(core.handle.pointer).rawValue) }

    /// The process of the CLI; 0 while there is none.
    public var pid: UInt64 { claude_client_pid(core.handle.pointer) }

    /// How much waits to be read.
    public func pending() throws -> (events: Int, bytes: Int) {
        var (events, bytes) = (0, 0)
        try check { claude_client_pending(core.handle.pointer, CLAUDE_LANE_MESSAGES, &events, &bytes, $0) }
        return (events, bytes)
    }

    /// The counters of docs/stats.md.
    public func stats() throws -> JSON { JSON(text: try text { claude_client_stats(core.handle.pointer, $0, $1) }) }

    /// What the CLI said when it became ready.
    public func serverInfo() throws -> JSON {
        JSON(text: try text { claude_client_get_server_info(core.handle.pointer, $0, $1) })
    }
}

extension Core {
    @discardableResult
    func query(_ prompt: String) throws -> String {
        if prompt.utf8.contains(0) { // which no C string can hold
            return try send(["type": "user", "message": ["role": "user", "content": JSON(prompt)]])
        }
        let prompt = cText(prompt)
        return try text { claude_client_query(handle.pointer, prompt, nil, $0, $1) }
    }

    func send(_ message: JSON) throws -> String {
        let message = cText(message)
        return try text { claude_client_send_json(handle.pointer, message, $0, $1) }
    }

    func disconnect() async throws {
        _ = try await operation { claude_client_disconnect(handle.pointer, nil, $0, $1) }
    }

    /// Once, whoever calls it, and to its end also when the caller is cancelled.
    func close() async {
        let insideOwn = Core.inside == ObjectIdentifier(self)
        let closing = state.with { state in
            if let closing = state.closing { return closing }
            let closing = Task.detached { await self.closeOnce() }
            state.closing = closing
            return closing
        }
        if !insideOwn { await closing.value } // which waits for the functions of this client
    }

    private func closeOnce() async {
        let serving = state.with { $0.serving }
        if serving != nil {
            // So that freeing waits for nothing, and no thread with it.
            try? await disconnect()
            readToEnd()
        }
        cancelFunctions()
        claude_client_free(handle.pointer)
        signal.raise()
        await serving?.value
        for function in cancelFunctions() { await function.value }
        state.with { $0.permission = nil; $0.request = nil; $0.named = [:] } // what they hold may hold the client
    }

    @discardableResult
    private func cancelFunctions() -> [Task<Void, Never>] {
        let functions = state.with { Array($0.asked.values) }
        for function in functions { function.cancel() }
        return functions
    }
}
