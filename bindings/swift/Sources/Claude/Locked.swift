import Foundation

/// A value that one thread at a time uses. (`Mutex` of the standard library needs macOS 15.)
final class Locked<Value>: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Value

    init(_ value: Value) { self.value = value }

    func with<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}

/// Wakes the tasks that wait in a client. They wait as continuations, so none of them holds a thread.
final class Signal: Sendable {
    private struct State {
        var count: UInt64 = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Locked(State())

    /// How often it was raised: to be read before looking whether there is something to wait for.
    var count: UInt64 { state.with { $0.count } }

    func raise() {
        let waiting = state.with { state in
            state.count += 1
            defer { state.waiting = [] }
            return state.waiting
        }
        for each in waiting { each.resume() }
    }

    /// Waits until it is raised more often than `seen`, or the task is cancelled.
    func wait(behind seen: UInt64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let late = state.with { state in
                    if state.count == seen { state.waiting.append(continuation) }
                    return state.count != seen
                }
                if late { continuation.resume() }
            }
        } onCancel: {
            raise()
        }
    }
}
