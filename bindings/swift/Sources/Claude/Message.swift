import CClaude
import Foundation

/// A line of the CLI, untouched, or an event of the library.
public struct Message: Sendable {
    public let kind: MessageKind
    /// JSON, but plain text for `.textDelta` and `.stderr`.
    public let document: String

    public var json: JSON { JSON(text: document) }

    public func decode<T: Decodable>(_ type: T.Type = T.self) throws -> T { try json.decode(type) }

    /// What a user reads of it: the text of an assistant or a user, the result, a streamed piece. Empty for all else.
    public var text: String {
        if kind == .textDelta || kind == .stderr { return document }
        var text: UnsafeMutablePointer<CChar>?
        var error: OpaquePointer?
        defer { claude_error_free(error) }
        let status = claude_message_text(document, &text, &error)
        if status == CLAUDE_ERR_RESULT { // a failure that the CLI tells in an assistant message
            return JSON(text: String(cString: claude_error_json(error)))["/message"] ?? ""
        }
        let taken = take(text)
        return holdsNul ? exactText ?? taken : taken
    }

    /// How a result ended, such as "success", and what a system message is, such as "init".
    public var subtype: String { json["/subtype"] ?? "" }

    /// Whether a result reports an error.
    public var isError: Bool { json["/is_error"] == "true" }

    /// Whether the turn of a prompt is over.
    func endsTurn(of prompt: String) -> Bool {
        switch kind {
        case .turnEnded: (0..<json.count(at: "/prompts")).contains { json["/prompts/\($0)"] == prompt }
        case .commandLifecycle: json["/command_uuid"] == prompt && json["/state"] == "cancelled"
        default: false
        }
    }
}

/// A C string cannot hold a NUL, so the library gives U+FFFD in its place. A Swift string can.
extension Message {
    private var holdsNul: Bool {
        document.utf8.withContiguousStorageIfAvailable { memmem($0.baseAddress!, $0.count, "\\u0000", 6) != nil } ?? true
    }

    private struct Line: Decodable {
        struct Inner: Decodable { let content: Content }
        struct Block: Decodable { let type: String, text: String? }
        enum Content: Decodable {
            case text(String), blocks([Block])
            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                if let text = try? value.decode(String.self) {
                    self = .text(text)
                } else {
                    self = .blocks(try value.decode([Block].self))
                }
            }
        }
        let message: Inner?, result: String?, errors: [String]?
    }

    private var exactText: String? {
        guard let line: Line = try? decode() else { return nil }
        switch line.message?.content {
        case .text(let text): return text
        case .blocks(let blocks): return blocks.filter { $0.type == "text" }.compactMap(\.text).joined()
        case nil: return line.result ?? line.errors?.joined(separator: "\n")
        }
    }
}
