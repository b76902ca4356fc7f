import CClaude

/// An object of the library. It is a number that the library checks, and any thread may use it.
struct Handle: @unchecked Sendable {
    let pointer: OpaquePointer

    /// What a call wrote where the handle goes.
    init(_ pointer: OpaquePointer?) { self.pointer = pointer.unsafelyUnwrapped }
}

/// Copies a text for C. A NUL inside would cut it short: a byte that is no UTF-8 stands there, which the library refuses.
func cText(_ text: String) -> [CChar] {
    var bytes = text.utf8.map { CChar(bitPattern: $0 == 0 ? 0xFF : $0) }
    bytes.append(0)
    return bytes
}

func cText(_ text: String?) -> [CChar]? { text.map { cText($0) } }
func cText(_ json: JSON) -> [CChar] { cText(json.text) }
func cText(_ json: JSON?) -> [CChar]? { json.map { cText($0.text) } }

/// Copies a text that the library gave, and frees it.
func take(_ text: UnsafeMutablePointer<CChar>?) -> String {
    defer { claude_string_free(text) }
    return text.map { String(cString: $0) } ?? ""
}

/// A text of that length, which the library has checked to be UTF-8.
func copy(_ bytes: UnsafePointer<CChar>?, _ length: Int) -> String {
    String(decoding: UnsafeRawBufferPointer(start: bytes, count: length), as: UTF8.self)
}

func milliseconds(_ duration: Duration) -> UInt32 {
    let (seconds, attoseconds) = duration.components
    guard seconds < Int64(UInt32.max) / 1000 else { return UInt32.max } // for ever
    return seconds < 0 ? 0 : UInt32(seconds * 1000 + attoseconds / 1_000_000_000_000_000)
}
