import CClaude

extension Core {
    private enum Taken {
        case message(Message), skipped, nothing, ended(ClaudeError?)
    }

    /// Pulls one message. What belongs to an answer that nobody reads any more is skipped.
    private func takeMessage(_ state: inout State) -> Taken {
        if let end = state.end { return .ended(end) }
        switch poll(CLAUDE_LANE_MESSAGES) {
        case .nothing: return .nothing
        case .over: return .ended(ClaudeError(.closed, message: "the client is closed"))
        case .event(let event) where event.kind == .closed:
            state.end = .some(event.error)
            state.abandoned = nil
            return .ended(event.error)
        case .event(let event):
            let message = Message(kind: event.kind, document: event.text)
            guard let prompt = state.abandoned else { return .message(message) }
            if message.endsTurn(of: prompt) { state.abandoned = nil }
            return .skipped
        }
    }

    /// Waits for a message; nil behind the last one of a session that ended as it should. What a function of the host threw comes
    /// out here.
    func next() async throws -> Message? {
        while true {
            try Task.checkCancellation()
            let seen = signal.count
            // Under one lock with the poll: what follows from a refusal cannot overtake the fault that caused it.
            let taken = try state.with { state in
                if let fault = state.fault {
                    state.fault = nil
                    throw fault
                }
                return takeMessage(&state)
            }
            switch taken {
            case .message(let message): return message
            case .skipped: continue
            case .nothing: await signal.wait(behind: seen)
            case .ended(nil): return nil
            case .ended(let error?): throw error
            }
        }
    }

    /// Waits for the end of an answer that nobody reads any more.
    func drain() async throws {
        while true {
            try Task.checkCancellation()
            let seen = signal.count
            let taken = state.with { $0.abandoned == nil ? nil : takeMessage(&$0) }
            switch taken {
            case nil: return
            case .nothing: await signal.wait(behind: seen)
            case .ended(let error): throw error ?? ClaudeError(.closed, message: "the session has ended")
            case .skipped, .message: continue
            }
        }
    }

    /// Drops what is unread, and keeps how the session ended.
    func readToEnd() {
        state.with { state in
            state.abandoned = nil
            while true {
                switch takeMessage(&state) {
                case .message, .skipped: continue
                case .nothing, .ended: return
                }
            }
        }
    }

    func beginAnswer() throws {
        let first = state.with { state in
            defer { state.isAnswering = true }
            return !state.isAnswering
        }
        guard first else {
            throw ClaudeError(
                .invalidArgument, message: "an answer of this client is being read: leave its loop before the next one")
        }
    }

    /// Lets the next one begin; `left` is the prompt of a turn that was left before its end.
    func endAnswer(left: String?) {
        state.with { state in
            state.isAnswering = false
            if left != nil, state.end == nil { state.abandoned = left }
        }
        guard let left else { return }
        // One of the two has an effect: the prompt waits, or its turn runs.
        let prompt = cText(left)
        begin({ claude_client_cancel_prompt(handle.pointer, prompt, nil, $0, $1) }, as: freshNumber()) { result in
            guard let reply = try? result.get(), reply["/cancelled"] == "true" else { return }
            self.state.with { if $0.abandoned == left { $0.abandoned = nil } }
            self.signal.raise()
        }
        claude_client_interrupt(handle.pointer, nil, nil, nil)
    }
}
