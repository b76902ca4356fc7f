import CClaude
import Dispatch

/// Sessions in a storage of the host's own: docs/sessions.md. Its functions run as tasks of their own, several at once; the appends of one
/// client come one after another. A key is `{"project_key", "session_id"}`, with `subpath` for what belongs to a session; `list` and
/// `summaries` get `{"project_key"}`. What they throw fails the call, a `ClaudeError` with its status.
public protocol SessionStore: Sendable {
    /// Which of the functions without "required" it has.
    var features: SessionStoreFeatures { get }
    /// Required. Appends entries, a list, to those already stored. One may come twice, with the same `uuid`.
    func append(_ entries: JSON, to key: JSON) async throws
    /// Required. The list of all entries in their order; nil: never stored.
    func load(_ key: JSON) async throws -> JSON?
    /// `[{"session_id", "mtime"}]` (milliseconds) of the project's sessions, without subpaths.
    func list(_ project: JSON) async throws -> JSON
    /// What `foldSummary` gave for each session, with its `mtime` set by the clock that `list` uses.
    func summaries(_ project: JSON) async throws -> JSON
    /// Removes a key, and with a session all of its subpaths.
    func remove(_ key: JSON) async throws
    /// The list of a session's subpaths.
    func subkeys(of key: JSON) async throws -> JSON
}

public struct SessionStoreFeatures: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }

    public static let list = SessionStoreFeatures(rawValue: 1)
    public static let summaries = SessionStoreFeatures(rawValue: 2)
    public static let remove = SessionStoreFeatures(rawValue: 4)
    public static let subkeys = SessionStoreFeatures(rawValue: 8)
}

extension SessionStore {
    public var features: SessionStoreFeatures { [] }
    public func list(_ project: JSON) async throws -> JSON { throw lacking }
    public func summaries(_ project: JSON) async throws -> JSON { throw lacking }
    public func remove(_ key: JSON) async throws { throw lacking }
    public func subkeys(of key: JSON) async throws -> JSON { throw lacking }

    private var lacking: ClaudeError { ClaudeError(.unsupported, message: "this store has no such function") }
}

/// A store that clients can use.
public final class Store: Sendable {
    let handle: Handle

    public init(_ store: any SessionStore) throws {
        var table = claude_session_store_vtable_t()
        table.size = MemoryLayout<claude_session_store_vtable_t>.size
        table.append = { call, key, entries, held in
            let (key, entries) = (JSON(text: String(cString: key!)), JSON(text: String(cString: entries!)))
            Held.answer(call, held) { try await $0.append(entries, to: key); return nil }
        }
        table.load = { call, key, held in Held.answer(call, key, held) { try await $0.load($1) } }
        if store.features.contains(.list) {
            table.list = { call, key, held in Held.answer(call, key, held) { try await $0.list($1) } }
        }
        if store.features.contains(.summaries) {
            table.summaries = { call, key, held in Held.answer(call, key, held) { try await $0.summaries($1) } }
        }
        if store.features.contains(.remove) {
            table.remove = { call, key, held in Held.answer(call, key, held) { try await $0.remove($1); return nil } }
        }
        if store.features.contains(.subkeys) {
            table.list_subkeys = { call, key, held in Held.answer(call, key, held) { try await $0.subkeys(of: $1) } }
        }
        table.destroy = { Unmanaged<Held>.fromOpaque($0.unsafelyUnwrapped).release() }
        let held = Unmanaged.passRetained(Held(store)).toOpaque()
        var made: OpaquePointer?
        try check { claude_session_store_create(&table, held, &made, $0) }
        handle = Handle(made)
    }

    private init(_ handle: Handle) { self.handle = handle }

    deinit { claude_session_store_free(handle.pointer) } // clients keep what they need

    /// A store in memory, for tests: its contents are gone with it.
    public static func inMemory() throws -> Store {
        var made: OpaquePointer?
        try check { claude_session_store_create_memory(&made, $0) }
        return Store(Handle(made))
    }

    /// The sessions of a folder's project, newest first.
    public func list(options: JSON? = nil, timeout: Duration = .seconds(60)) async throws -> JSON {
        let options = cText(options)
        return try await waiting { claude_session_store_list($0, options, milliseconds(timeout), $1, $2) }
    }

    /// Stores a session that is on the disk, subagents included: the numbers of `files` and `entries`.
    @discardableResult
    public func importSession(_ id: String, options: JSON? = nil, timeout: Duration = .seconds(60)) async throws -> JSON {
        let id = cText(id)
        let options = cText(options)
        return try await waiting { claude_session_store_import($0, id, options, milliseconds(timeout), $1, $2) }
    }

    /// Checks a store against the contract, for authors of stores: `ok`, `passed`, `failed`, `skipped`, `cases`.
    public func verify(timeout: Duration = .seconds(60)) async throws -> JSON {
        try await waiting { claude_session_store_check($0, milliseconds(timeout), $1, $2) }
    }

    /// Updates the summary of a session, for a store with `summaries`: to be called at each append without a `subpath`. nil: the first.
    public static func foldSummary(_ previous: JSON?, key: JSON, entries: JSON) throws -> JSON {
        let (previous, key, entries) = (cText(previous), cText(key), cText(entries))
        return JSON(text: try text { claude_session_summary_fold(previous, key, entries, $0, $1) })
    }

    /// Runs what waits for the store on a thread that may wait: tasks may not, since those of the store may need their threads.
    private func waiting(
        _ call: @escaping @Sendable (OpaquePointer, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, ErrorSlot) -> claude_status_t
    ) async throws -> JSON {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { [self] in
                continuation.resume(with: Result { JSON(text: try text { call(handle.pointer, $0, $1) }) })
            }
        }
    }
}

extension Client {
    /// Keeps the session in a store; `resume` and `continue_conversation` then take it from there. Before connecting.
    public func setSessionStore(_ store: Store) throws {
        try check { claude_client_set_session_store(core.handle.pointer, store.handle.pointer, $0) }
    }
}

/// What C knows of a store.
private final class Held: Sendable {
    let store: any SessionStore
    init(_ store: any SessionStore) { self.store = store }

    static func answer(
        _ call: OpaquePointer?, _ held: UnsafeMutableRawPointer?, _ function: @escaping @Sendable (any SessionStore) async throws -> JSON?
    ) {
        let call = Handle(call)
        let store = Unmanaged<Held>.fromOpaque(held.unsafelyUnwrapped).takeUnretainedValue().store
        Task {
            do {
                let answer = cText(try await function(store))
                claude_store_call_respond(call.pointer, answer, nil)
            } catch {
                let status = (error as? ClaudeError)?.status ?? .file
                let why = cText("\(error)")
                claude_store_call_fail(call.pointer, claude_status_t(rawValue: status.rawValue), why, nil)
            }
        }
    }

    static func answer(
        _ call: OpaquePointer?, _ key: UnsafePointer<CChar>?, _ held: UnsafeMutableRawPointer?,
        _ function: @escaping @Sendable (any SessionStore, JSON) async throws -> JSON?
    ) {
        let key = JSON(text: String(cString: key.unsafelyUnwrapped))
        answer(call, held) { try await function($0, key) }
    }
}
