import CClaude

/// A CLI that has started before anybody knows for which session: docs/start-at-once.md.
///
///     let spare = try Spare(["system_prompt": "Be brief."])           // when the program starts
///     let client = try await spare.claim(["cwd": JSON(folder)])       // when the user has opened a folder
///
/// It has a client of its own until it is claimed, whose functions and requests are served meanwhile. One that nobody claims ends
/// its CLI when it is closed or let go of.
public final class Spare: Sendable {
    private let core: Core
    private let handle: Handle
    private let parking: Parking
    /// nil: it was claimed, and the client belongs to who claimed it.
    private let waiting: Locked<Client?>

    /// Starts the CLI, and waits for nothing; `setUp` registers what the session wants, as for `Client.connect`.
    public init(_ options: Options = [:], setUp: (Client) throws -> Void = { _ in }) throws {
        let client = try Client(options)
        try setUp(client)
        let (core, parking) = (client.core, Parking())
        core.startServing()
        var made: OpaquePointer?
        core.begin({ claude_spare_create(core.handle.pointer, nil, $0, &made, $1) }, as: core.freshNumber()) { parking.end($0) }
        guard made != nil else {
            _ = try parking.outcome?.get() // which throws
            throw ClaudeError(.closed, message: "the spare was not made")
        }
        self.core = core
        self.parking = parking
        handle = Handle(made)
        waiting = Locked(client)
    }

    deinit {
        guard waiting.with({ $0 != nil }) else { return claude_spare_free(handle.pointer) } // its client stays
        Task.detached { [core, handle] in
            await core.close() // first, since freeing it here would hold a thread until the CLI is gone
            claude_spare_free(handle.pointer)
        }
    }

    /// Waits until the CLI waits to be claimed; what it returns is what the CLI said of itself. A claim needs no wait for this.
    @discardableResult
    public func parked() async throws -> JSON {
        while true {
            try Task.checkCancellation()
            let seen = parking.signal.count
            if let outcome = parking.outcome { return try outcome.get() }
            await parking.signal.wait(behind: seen)
        }
    }

    /// Makes a session of it, with what is known only now: `cwd`, `model` and others that docs/start-at-once.md names. `prompt` is
    /// sent when the CLI has accepted all of that, and answered by `messages` or `next`.
    ///
    /// When it throws, no prompt was sent. `Status.invalidOption`: the spare can still be claimed. Any other error: connect another
    /// client. A task that is cancelled while it waits ends the CLI.
    public func claim(_ claim: Options = [:], prompt: String? = nil) async throws -> Client {
        try Task.checkCancellation()
        let claim = cText(claim.json)
        do {
            _ = try await core.operation { number, error in
                var client: OpaquePointer?
                return claude_spare_claim(handle.pointer, claim, nil, nil, number, &client, error)
            }
        } catch let error as CancellationError {
            claude_client_disconnect(core.handle.pointer, nil, nil, nil)
            throw error
        }
        let claimed = waiting.with { client in
            defer { client = nil }
            return client
        }
        guard let claimed else { throw ClaudeError(.alreadyConnected, message: "the spare was claimed before") }
        if let prompt { try core.query(prompt) } // not given along: a task that is cancelled on the way has sent none
        return claimed
    }

    /// `.connecting` while it can be claimed, `.closed` when its CLI has ended, and that of the session when it was claimed.
    public var state: ClientState { ClientState(rawValue: claude_client_state(core.handle.pointer).rawValue) }

    /// Waits until the CLI has ended, also that of a claimed session: a pool needs another spare then.
    public func ended() async throws {
        while true {
            try Task.checkCancellation()
            let seen = core.signal.count
            if core.state.with({ $0.isOver }) { return }
            await core.signal.wait(behind: seen)
        }
    }

    /// Ends a CLI that nobody has claimed, and waits until it is gone. A claimed session goes on.
    public func close() async {
        if waiting.with({ $0 != nil }) { await core.close() }
    }
}

/// How the start of a spare ended.
private final class Parking: Sendable {
    let signal = Signal()
    private let ended = Locked<Result<JSON, any Error>?>(nil)

    var outcome: Result<JSON, any Error>? { ended.with { $0 } }

    func end(_ outcome: Result<JSON, any Error>) {
        ended.with { $0 = outcome }
        signal.raise()
    }
}
