/// The messages up to the end of a turn, read as they come. Each loop over it asks anew. Leaving the loop, and a cancelled task,
/// interrupt the turn without waiting; the next answer waits for its end, and sees nothing of it.
public struct Answer: AsyncSequence, Sendable {
    public typealias Element = Message
    let core: Core
    let send: @Sendable () throws -> String

    public func makeAsyncIterator() -> Iterator { Iterator(turn: Turn(core, send)) }

    public struct Iterator: AsyncIteratorProtocol, Sendable {
        let turn: Turn
        public func next() async throws -> Message? { try await turn.next() }
    }

    /// The whole answer: the final text. A result that is an error is a `ClaudeError` with the status `.result`.
    public func text() async throws -> String {
        var final: Message?
        for try await message in self where message.kind == .result { final = message }
        guard let final else { throw ClaudeError(.cancelled, message: "the prompt was removed from the queue of the CLI") }
        guard !final.isError else { throw ClaudeError(.result, ["message": JSON(final.text), "result": final.json]) }
        return final.text
    }
}

/// One turn that is being read. Who lets go of it before its end leaves it.
final class Turn: Sendable {
    private enum Phase {
        case fresh, waiting, reading(prompt: String), over
    }
    private let core: Core
    private let send: @Sendable () throws -> String
    private let phase = Locked(Phase.fresh)

    init(_ core: Core, _ send: @escaping @Sendable () throws -> String) {
        self.core = core
        self.send = send
    }

    deinit { leave() }

    func next() async throws -> Message? {
        do {
            guard let prompt = try await begin() else { return nil }
            while true {
                guard let message = try await core.next() else {
                    throw ClaudeError(.closed, message: "the session ended before the answer did")
                }
                if message.endsTurn(of: prompt) {
                    phase.with { $0 = .over }
                    core.endAnswer(left: nil)
                    return nil
                }
                // What becomes of other prompts is no part of this answer.
                if message.kind == .commandLifecycle, message.json["/command_uuid"] != prompt { continue }
                return message
            }
        } catch {
            leave()
            throw error
        }
    }

    /// Its prompt, which is sent at the first call; nil: it is over.
    private func begin() async throws -> String? {
        switch phase.with({ $0 }) {
        case .reading(let prompt): return prompt
        case .over, .waiting: return nil
        case .fresh: break
        }
        do {
            try core.beginAnswer()
        } catch {
            phase.with { $0 = .over }
            throw error
        }
        phase.with { $0 = .waiting }
        try await core.drain()
        let prompt = try send()
        phase.with { $0 = .reading(prompt: prompt) }
        return prompt
    }

    private func leave() {
        let before = phase.with { phase in
            defer { phase = .over }
            return phase
        }
        switch before {
        case .reading(let prompt): core.endAnswer(left: prompt)
        case .waiting: core.endAnswer(left: nil)
        case .fresh, .over: break
        }
    }
}

/// Everything that comes, whatever prompt it belongs to. One reader at a time.
public struct Messages: AsyncSequence, AsyncIteratorProtocol, Sendable {
    public typealias Element = Message
    let core: Core

    public func makeAsyncIterator() -> Messages { self }
    public func next() async throws -> Message? { try await core.next() }
}
