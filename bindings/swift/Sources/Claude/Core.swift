import CClaude

/// What a client is made of. Its tasks hold it; nothing in it holds the `Client`, so that one that nobody uses any more ends.
final class Core: Sendable {
    struct State {
        var last: UInt = 0
        var serving: Task<Void, Never>?
        var closing: Task<Void, Never>?
        var operations: [UInt: @Sendable (Result<JSON, any Error>) -> Void] = [:]
        var asked: [Asked: Task<Void, Never>] = [:]
        var permission: RequestHandler?
        var request: RequestHandler?
        var named: [UInt: RequestHandler] = [:]
        var servers: [ToolServer] = []
        var isAnswering = false
        /// The prompt whose answer nobody reads any more.
        var abandoned: String?
        /// What a function of the host threw.
        var fault: (any Error)?
        /// How the session ended; the inner nil: as it should.
        var end: ClaudeError??
        /// The requests bring nothing more.
        var isOver = false
    }

    /// What the CLI waits for.
    struct Asked: Hashable {
        let isTool: Bool
        let id: UInt64
    }

    let handle: Handle
    let signal = Signal()
    let state = Locked(State())

    init(_ options: Options) throws {
        var options = options
        options["turn_events"] = true // by which an answer finds the end of its turn
        let document = cText(options.json)
        var client: OpaquePointer?
        try check { claude_client_create(document, &client, $0) }
        handle = Handle(client)
        do {
            try check { claude_client_set_dispatch(handle.pointer, CLAUDE_DISPATCH_PULL, $0) }
            let waker = Unmanaged.passRetained(signal).toOpaque()
            try check {
                claude_client_on_ready(
                    handle.pointer, { Unmanaged<Signal>.fromOpaque($0.unsafelyUnwrapped).takeUnretainedValue().raise() },
                    waker, { Unmanaged<Signal>.fromOpaque($0.unsafelyUnwrapped).release() }, $0)
            }
        } catch {
            claude_client_free(handle.pointer)
            throw error
        }
    }

    func freshNumber() -> UInt {
        state.with { state in
            state.last += 1
            return state.last
        }
    }

    // Operations

    typealias Begin = (UnsafeMutableRawPointer?, ErrorSlot) -> claude_status_t

    /// Begins something and waits for its end. A task that is cancelled stops waiting, and what was begun goes on.
    func operation(_ begin: Begin) async throws -> JSON {
        let number = freshNumber()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                self.begin(begin, as: number) { continuation.resume(with: $0) }
                if Task.isCancelled { end(number, .failure(CancellationError())) }
            }
        } onCancel: {
            end(number, .failure(CancellationError()))
        }
    }

    /// `end` runs once, here when it cannot be begun.
    func begin(_ begin: Begin, as number: UInt, end: @escaping @Sendable (Result<JSON, any Error>) -> Void) {
        state.with { $0.operations[number] = end }
        do {
            try check { begin(UnsafeMutableRawPointer(bitPattern: number), $0) }
        } catch {
            return self.end(number, .failure(error))
        }
        guard state.with({ $0.isOver }) else { return }
        // Nobody pulls any more: what is begun behind the end of a session has its end queued already.
        deliverQueued()
        self.end(number, .failure(ClaudeError(.closed, message: "the session has ended")))
    }

    private func end(_ number: UInt, _ result: Result<JSON, any Error>) {
        state.with { $0.operations.removeValue(forKey: number) }?(result)
    }

    // Requests

    /// Starts the task that pulls requests and the ends of operations, also while nobody reads.
    func startServing() {
        state.with { state in
            guard state.serving == nil else { return }
            state.serving = Task { await self.serve() }
        }
    }

    private func serve() async {
        while true {
            let seen = signal.count
            guard deliverQueued() else { break }
            await signal.wait(behind: seen)
        }
        state.with { $0.isOver = true }
        deliverQueued()
        let left = state.with { $0.operations.keys.sorted() }
        for number in left { end(number, .failure(ClaudeError(.closed, message: "the session has ended"))) }
        signal.raise()
    }

    /// false: nothing more will come.
    @discardableResult
    private func deliverQueued() -> Bool {
        while true {
            switch poll(CLAUDE_LANE_REQUESTS) {
            case .event(let event): deliver(event)
            case .nothing: return true
            case .over: return false
            }
        }
    }

    private func deliver(_ event: Event) {
        switch event.kind {
        case .done: end(event.number, event.error.map { .failure($0) } ?? .success(event.json))
        case .request: answer(event)
        case .toolCall: call(event)
        case .requestCancelled: forget(Asked(isTool: false, id: event.id))
        case .toolCallCancelled: forget(Asked(isTool: true, id: event.id))
        default: break
        }
    }

    /// Runs a function of the host as a task, which is cancelled when the CLI does not want the answer any more, and then lets go of
    /// what it was asked. `refuse` gets what it threw.
    func run(
        _ what: Asked, release: @escaping @Sendable () -> Void, refuse: @escaping @Sendable (String) -> Void,
        function: @escaping @Sendable () async throws -> Void
    ) {
        state.with { state in
            state.asked[what] = Task {
                do {
                    try await Core.$inside.withValue(ObjectIdentifier(self)) { try await function() }
                } catch {
                    let isFault = !(error is Refusal) && !(error is CancellationError && Task.isCancelled)
                    // In one: who waits learns of the fault before what follows from the refusal, and interrupts behind it.
                    self.state.with { state in
                        if isFault { state.fault = error }
                        refuse("\(error)")
                    }
                    if isFault { self.signal.raise() }
                }
                release()
                _ = self.state.with { $0.asked.removeValue(forKey: what) }
            }
        }
    }

    /// Nobody wants the answer any more.
    func forget(_ what: Asked) { state.with { $0.asked[what] }?.cancel() }

    /// Keeps what a transport threw until somebody waits.
    func keep(_ fault: any Error) {
        state.with { $0.fault = fault }
        signal.raise()
    }

    /// The client whose function this task runs in.
    @TaskLocal static var inside: ObjectIdentifier?
}
