import Claude
import Foundation
import Testing

/// A client of the stand-in CLI, which CLAUDE_CLIENT_CLI names, with a script.
func fake(_ script: JSON, _ more: Options = [:], setUp: @Sendable (Client) throws -> Void = { _ in }) async throws -> Client {
    var options = more
    options.env = ["FAKE_CLAUDE": JSON(script.text)]
    return try await Client.connect(options, setUp: setUp)
}

/// A spare of the stand-in CLI, and its client, which tests look at while it waits.
func fakeSpare(_ script: JSON, setUp: (Client) throws -> Void = { _ in }) throws -> (spare: Spare, client: Client) {
    var options: Options = ["env": ["FAKE_CLAUDE": JSON(script.text)]]
    options.configDir = NSTemporaryDirectory() + "claude-swift-spares-\(getuid())"
    var client: Client?
    let spare = try Spare(options) {
        client = $0
        try setUp($0)
    }
    return (spare, try #require(client))
}

/// What a permission is answered with comes back as text.
let permission: JSON = ["on_user": ["init", ["ask": ["subtype": "can_use_tool", "tool_name": "Write", "input": ["file_path": "a"]]], "result"]]

/// Runs something, and returns what it throws.
func thrown(_ body: () async throws -> Void) async -> (any Error)? {
    do {
        try await body()
        return nil
    } catch {
        return error
    }
}

func status(of error: (any Error)?) -> Status? { (error as? ClaudeError)?.status }

/// Whether something becomes true within half a minute.
func eventually(_ holds: () async throws -> Bool) async throws -> Bool {
    for _ in 0..<600 {
        if try await holds() { return true }
        try await Task.sleep(for: .milliseconds(50))
    }
    return false
}

/// Whether a process ends.
func isGone(_ pid: UInt64) async throws -> Bool { try await eventually { kill(pid_t(pid), 0) != 0 } }

/// A value that several tasks use.
actor Box<Value: Sendable> {
    private(set) var value: Value
    init(_ value: Value) { self.value = value }
    func set(_ value: Value) { self.value = value }
}

/// Counts on any thread.
final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0

    var value: Int { lock.withLock { count } }
    func raise() { lock.withLock { count += 1 } }
}
