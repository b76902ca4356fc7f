import CClaude
import Foundation

/// A JSON document as text, in the order and with the numbers in which it was written.
///
///     let input: JSON = ["file_path": "a", "lines": [1, 2]]
///     input["/lines/1"]              // "2"
///     try input.decode(Edit.self)    // any Decodable
public struct JSON: Sendable, Hashable, CustomStringConvertible {
    public let text: String

    /// A text that is JSON. The library refuses it where it is not.
    public init(text: String) { self.text = text }

    public init(encoding value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        text = String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    public static let null = JSON(text: "null")

    public var description: String { text }

    public func decode<T: Decodable>(_ type: T.Type = T.self) throws -> T {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    /// What is at a place (RFC 6901, such as "/message/content/0/text"; "" is the whole): a string without its quotes, anything
    /// else as JSON. nil: nothing is there. A NUL in a string is U+FFFD here; `decode` keeps it.
    public subscript(pointer: String) -> String? {
        var value: UnsafeMutablePointer<CChar>?
        guard claude_json_get(text, pointer, &value, nil) == CLAUDE_OK else { return nil }
        return take(value)
    }

    /// How many elements or members are at a place; 0 where there is neither a list nor an object.
    public func count(at pointer: String = "") -> Int {
        var count = 0
        return claude_json_count(text, pointer, &count, nil) == CLAUDE_OK ? count : 0
    }

    static func quote(_ text: String) -> String {
        var quoted = "\""
        quoted.reserveCapacity(text.utf8.count + 2)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    static func object(_ members: [(String, JSON)]) -> JSON {
        JSON(text: "{" + members.map { quote($0) + ":" + $1.text }.joined(separator: ",") + "}")
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(_ value: String) { text = JSON.quote(value) }
    public init(_ value: Int) { text = String(value) }
    public init(_ value: Bool) { text = value ? "true" : "false" }
    public init(_ value: Double) { text = value.isFinite ? "\(value)" : "null" }
    public init(_ values: [JSON]) { text = "[" + values.map(\.text).joined(separator: ",") + "]" }
    public init(_ values: [String]) { self.init(values.map { JSON($0) }) }

    public init(stringLiteral value: String) { self.init(value) }
    public init(integerLiteral value: Int) { self.init(value) }
    public init(floatLiteral value: Double) { self.init(value) }
    public init(booleanLiteral value: Bool) { self.init(value) }
    public init(arrayLiteral values: JSON...) { self.init(values) }
    public init(dictionaryLiteral members: (String, JSON)...) { self = JSON.object(members) }
}
