import Claude

/// Answers like a CLI, in the same process.
final class FarSide: Transport, @unchecked Sendable {
    private let how: JSON
    private var sink: Sink? // set before anything else is called
    init(_ how: JSON) { self.how = how }

    func connect(_ sink: Sink) throws {
        if how["/do"] == "refuse" { throw ClaudeError(.process, message: "nobody is there") }
        self.sink = sink
    }

    func write(_ line: [UInt8]) throws {
        let frame = JSON(text: String(decoding: line, as: UTF8.self))
        guard frame["/type"] == "user" else {
            let id = JSON(frame["/request_id"] ?? "")
            return try say(["type": "control_response", "response": ["subtype": "success", "request_id": id, "response": [:]]])
        }
        let said: JSON = [["type": "text", "text": JSON(how["/answer"] ?? "")]]
        try say(["type": "assistant", "message": ["role": "assistant", "content": said]])
        try say(["type": "result", "subtype": "success", "is_error": false, "result": "done"])
    }

    func endInput() throws { try sink?.end(exitCode: 0) }
    func close() {}

    private func say(_ frame: JSON) throws { try sink?.push(Array((frame.text + "\n").utf8)) }
}
