extension JSON {
    /// The members of an object in their order; empty for anything else.
    public var members: [(name: String, value: JSON)] {
        guard text.utf8.first(where: { !isSpace($0) }) == UInt8(ascii: "{") else { return [] }
        return parts(separators: [UInt8(ascii: ","), UInt8(ascii: ":")]).pairs.compactMap { name, value in
            JSON(text: name)[""].map { ($0, JSON(text: value)) }
        }
    }

    /// The elements of a list; empty for anything else.
    public var elements: [JSON] {
        guard text.utf8.first(where: { !isSpace($0) }) == UInt8(ascii: "[") else { return [] }
        return parts(separators: [UInt8(ascii: ",")]).map { JSON(text: $0) }
    }

    /// What stands between the outermost brackets, cut at the separators that stand in no inner brackets and no string.
    private func parts(separators: [UInt8]) -> [String] {
        var parts: [String] = []
        var part: [UInt8] = []
        var depth = 0
        var inString = false
        var escaped = false
        func finish() {
            let body = part.drop(while: isSpace)
            if !body.isEmpty { parts.append(String(decoding: body, as: UTF8.self)) }
            part = []
        }
        for byte in text.utf8 {
            if inString {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
            } else if byte == UInt8(ascii: "\"") {
                inString = true
            } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
                depth += 1
                if depth == 1 { continue }
            } else if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
                depth -= 1
                if depth == 0 { continue }
            } else if depth == 1, separators.contains(byte) {
                finish()
                continue
            }
            part.append(byte)
        }
        finish()
        return parts
    }
}

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

extension [String] {
    fileprivate var pairs: [(String, String)] { stride(from: 0, to: count - 1, by: 2).map { (self[$0], self[$0 + 1]) } }
}
