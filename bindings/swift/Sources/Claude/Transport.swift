import CClaude

/// A CLI somewhere else: docs/remote.md. The library calls it on threads of its own; `close` and `hasRoom` also beside the others. What
/// it throws ends the session: a `ClaudeError` with its status; any other comes out of the next wait of the client.
public protocol Transport: Sendable {
    /// Makes the far side ready, and keeps the sink.
    func connect(_ sink: Sink) throws
    /// A line for the CLI, with its newline.
    func write(_ line: [UInt8]) throws
    /// Behind all lines.
    func endInput() throws
    /// Ends the far side; nothing is called after it.
    func close() throws
    /// Asked behind `connect` until it is true.
    func isReady() throws -> Bool
    /// There is room again, after `Sink.hasRoom` was false.
    func roomAgain()
}

extension Transport {
    public func isReady() throws -> Bool { true }
    public func roomAgain() {}
}

/// Takes what the CLI says.
public struct Sink: Sendable {
    let handle: Handle

    /// Takes bytes, cut anywhere. `Status.wouldBlock`: there is no room.
    public func push(_ bytes: [UInt8]) throws { try check { claude_sink_push(handle.pointer, bytes, bytes.count, $0) } }

    /// Whether to read on from the CLI.
    public var hasRoom: Bool { claude_sink_has_room(handle.pointer) }

    /// The CLI's output has ended; without an exit code it is not known.
    public func end(_ status: Status = .ok, exitCode: Int32? = nil, message: String? = nil) throws {
        let message = cText(message)
        try check { claude_sink_end(handle.pointer, claude_status_t(rawValue: status.rawValue), exitCode ?? -1, message, $0) }
    }
}

/// A transport, and the client that is told of its faults.
private final class Held: Sendable {
    let transport: any Transport
    private let fault: @Sendable (any Error) -> Void

    init(_ transport: any Transport, _ fault: @escaping @Sendable (any Error) -> Void) {
        self.transport = transport
        self.fault = fault
    }

    /// Nothing that is thrown goes on into the library.
    static func run(_ held: UnsafeMutableRawPointer?, _ part: (any Transport) throws -> Void) -> claude_status_t {
        let held = Unmanaged<Held>.fromOpaque(held.unsafelyUnwrapped).takeUnretainedValue()
        do {
            try part(held.transport)
            return CLAUDE_OK
        } catch let error as ClaudeError {
            return claude_status_t(rawValue: error.status.rawValue)
        } catch {
            held.fault(error)
            return CLAUDE_ERR_CLI_CONNECTION
        }
    }
}

extension Client {
    /// Takes a transport in place of a child process. Before connecting.
    public func setTransport(_ transport: any Transport) throws {
        var table = claude_transport_vtable_t()
        table.size = MemoryLayout<claude_transport_vtable_t>.size
        table.connect = { sink, held in Held.run(held) { try $0.connect(Sink(handle: Handle(sink))) } }
        table.write = { bytes, length, held in
            Held.run(held) { try $0.write([UInt8](UnsafeRawBufferPointer(start: bytes, count: length))) }
        }
        table.end_input = { held in Held.run(held) { try $0.endInput() } }
        table.close = { held in Held.run(held) { try $0.close() } }
        table.is_ready = { held in
            Held.run(held) { guard try $0.isReady() else { throw ClaudeError(.wouldBlock, [:]) } }
        }
        table.on_room = { held in _ = Held.run(held) { $0.roomAgain() } }
        table.destroy = { Unmanaged<Held>.fromOpaque($0.unsafelyUnwrapped).release() }
        let held = Unmanaged.passRetained(Held(transport) { [weak core] in core?.keep($0) })
        try check { claude_client_set_transport(core.handle.pointer, &table, held.toOpaque(), $0) }
    }
}
