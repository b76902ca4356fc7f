import CClaude
import Foundation

/// A failure of the library with all that is known of it: docs/errors.md.
///
///     do { try await client.connect() }
///     catch Status.cliNotFound { print("install Claude Code") }
///     catch let error as ClaudeError { print(error, error.exitCode ?? 0) }
public struct ClaudeError: LocalizedError, CustomStringConvertible, Sendable {
    public let status: Status
    /// All members.
    public let document: JSON

    /// What went wrong, for people.
    public var message: String { document["/message"] ?? status.description }
    /// What to do, where the message does not say it already.
    public var remedy: String? { document["/remedy"] }
    /// What the client was doing: "spawn", "initialize" ...
    public var phase: String? { document["/phase"] }
    /// The place in the document that was given, such as "/max_turn".
    public var pointer: String? { document["/pointer"] }
    /// Why, in a word that programs can tell apart.
    public var reason: String? { document["/reason"] }
    /// What the CLI calls the reason for which it refused.
    public var code: String? { document["/code"] }
    /// The subtype of the control request that failed.
    public var request: String? { document["/request"] }
    public var exitCode: Int? { document["/exit_code"].flatMap { Int($0) } }
    public var signal: Int? { document["/signal"].flatMap { Int($0) } }
    /// The end of what the CLI wrote there.
    public var stderr: String? { document["/stderr"] }
    public var cliPath: String? { document["/cli_path"] }
    public var cliVersion: String? { document["/cli_version"] }

    public var description: String { message }
    public var errorDescription: String? { message }

    init(_ status: Status, _ document: JSON) {
        self.status = status
        self.document = document
    }

    /// For a `Transport` or a `SessionStore`, which fail with its status.
    public init(_ status: Status, message: String) { self.init(status, ["message": JSON(message)]) }
}

extension Status: CustomStringConvertible {
    /// Its name, such as "CLAUDE_ERR_TIMEOUT".
    public var description: String { String(cString: claude_status_name(claude_status_t(rawValue: rawValue))) }

    init(_ status: claude_status_t) { self.init(rawValue: status.rawValue) }

    /// `catch Status.cliNotFound`.
    public static func ~= (status: Status, error: any Error) -> Bool { (error as? ClaudeError)?.status == status }
}

/// What the model reads when a function of the host throws it: a refusal, or a tool that failed. Every other error refuses as well,
/// and then comes out of the next wait of the client, since it is a fault of the program.
public struct Refusal: Error, CustomStringConvertible, Sendable {
    public let description: String
    public init(_ why: String) { description = why }
}

typealias ErrorSlot = UnsafeMutablePointer<OpaquePointer?>

/// Makes a Swift error of the result of a call, and frees what came with it.
func check(_ call: (ErrorSlot) -> claude_status_t) throws {
    var error: OpaquePointer?
    let status = call(&error)
    guard status != CLAUDE_OK else { return }
    defer { claude_error_free(error) }
    throw ClaudeError(Status(status), JSON(text: claude_error_json(error).map { String(cString: $0) } ?? "{}"))
}

/// Takes the text that a call writes.
func text(_ call: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, ErrorSlot) -> claude_status_t) throws -> String {
    var out: UnsafeMutablePointer<CChar>?
    try check { call(&out, $0) }
    return take(out)
}
