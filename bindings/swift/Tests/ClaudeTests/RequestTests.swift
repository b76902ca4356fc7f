import Claude
import Foundation
import Testing

struct NotToday: Error {}

@Test func aWithdrawnPermissionCancelsItsTask() async throws {
    let withdrawn = Box(false)
    let write: JSON = ["subtype": "can_use_tool", "tool_name": "Write", "input": ["file_path": "a"]]
    let client = try await fake(["on_user": ["init", ["ask": write, "timeout_ms": 300], "result"]]) {
        try $0.onPermission { _ in
            try? await Task.sleep(for: .seconds(60))
            await withdrawn.set(Task.isCancelled)
            return .allow
        }
    }
    for try await _ in client.ask("Write.") {}
    #expect(try await eventually { await withdrawn.value })
    await client.close()
}

@Test func aRefusalIsWhatTheModelReads() async throws {
    let client = try await fake(permission) { try $0.onPermission { _ in throw Refusal("not today") } }
    var said = ""
    for try await message in client.ask("Write.") { said += message.text }
    #expect(said.contains(#""behavior":"deny""#) && said.contains("not today"))
    await client.close()
}

@Test func anotherErrorComesOutOfTheWait() async throws {
    let client = try await fake(permission) { try $0.onPermission { _ in throw NotToday() } }
    #expect(await thrown { for try await _ in client.ask("Write.") {} } is NotToday)
    await client.close()
}

@Test func aPermissionIsAnsweredByAnyTaskWhileNobodyReads() async throws {
    let (asked, continuation) = AsyncStream<(Request, CheckedContinuation<Reply, Never>)>.makeStream()
    let flood: JSON = ["on_user": ["init", ["ask": ["subtype": "can_use_tool", "tool_name": "Write", "input": ["a": 1]], "wait": false, "id": "p"],
        ["flood": 2000, "bytes": 600], ["await": "p"], ["text": "{{answer}}"], "result"]]
    let client = try await fake(flood, ["max_queue_bytes": 65536]) {
        try $0.onPermission { request in await withCheckedContinuation { continuation.yield((request, $0)) } }
    }
    try client.query("Write.") // and nobody reads
    var requests = asked.makeAsyncIterator()
    let (request, answer) = try #require(await requests.next())
    #expect(request.kind == .permission && request.toolName == "Write" && request.input.text == #"{"a":1}"#)
    #expect(try client.pendingRequests().count() == 1)
    answer.resume(returning: .allow(input: ["a": 2]))
    var last = ""
    for try await message in client.messages {
        if message.kind == .assistant { last = message.text }
        if message.kind == .result { break }
    }
    #expect(last.contains(#""updatedInput":{"a":2}"#))
    await client.close()
}

@Test func aRequestExpiresByItsDeadline() async throws {
    let states = Box<[RequestState]>([])
    let client = try await fake(permission) {
        try $0.onPermission { asked in
            let open = asked.state
            #expect(status(of: await thrown { try asked.setDeadline(.seconds(60), action: "perhaps") }) == .invalidArgument)
            try asked.setDeadline(nil)
            try asked.setDeadline(.milliseconds(100), action: "deny")
            try? await Task.sleep(for: .seconds(60)) // until the task is cancelled
            await states.set([open, asked.state])
            return .allow
        }
    }
    var said = ""
    for try await message in client.ask("Write.") { said += message.text }
    #expect(said.contains(#""behavior":"deny""#), "\(said)")
    #expect(try await eventually { await states.value == [.open, .expired] })
    await client.close()
}

@Test func aRequestIsAnsweredByItsNumber() async throws {
    let withdrawn = Box(false)
    let (asked, continuation) = AsyncStream<Request>.makeStream()
    let client = try await fake(permission) {
        try $0.onPermission { request in
            continuation.yield(request)
            try? await Task.sleep(for: .seconds(60))
            await withdrawn.set(Task.isCancelled)
            return .allow
        }
    }
    let answering = Task {
        var requests = asked.makeAsyncIterator()
        let request = try #require(await requests.next())
        let id = try #require(UInt64(try client.pendingRequests()["/0/id"] ?? ""))
        #expect(id == request.id)
        try client.answerRequest(id, .deny("from elsewhere"))
        #expect(request.state == .answered)
        #expect(status(of: await thrown { try client.answerRequest(id, .allow) }) == .notFound)
    }
    var said = ""
    for try await message in client.ask("Write.") { said += message.text }
    try await answering.value
    #expect(said.contains("from elsewhere"), "\(said)")
    #expect(try await eventually { await withdrawn.value })
    await client.close()
}

@Test func aToolHasArgumentsProgressAndContent() async throws {
    let call: JSON = ["on_user": ["init", ["ask": ["subtype": "mcp_message", "server_name": "me", "message": ["jsonrpc": "2.0", "id": 7,
        "method": "tools/call", "params": ["name": "add", "arguments": ["a": 20, "b": 22]]]], "exact": true, "id": "p"], "result"]]
    struct Numbers: Decodable { let a, b: Int }
    let client = try await fake(call) {
        try $0.addTools("me", Tool("add", inputSchema: ["type": "object"]) { call in
            let numbers: Numbers = try call.decode()
            try call.progress(1, of: 2, message: "half")
            try call.addImage([1, 2, 3], mimeType: "image/png")
            try call.setStructured(["sum": JSON(numbers.a + numbers.b)])
            return "\(numbers.a + numbers.b)"
        })
    }
    var said = ""
    for try await message in client.ask("Add.") where message.kind == .assistant { said += message.text }
    #expect(said.contains(#""text":"42""#) && said.contains(#""structuredContent":{"sum":42}"#) && said.contains("AQID"))
    await client.close()
}

@Test func aFunctionMayCloseItsOwnClient() async throws {
    let done = Box(false)
    let client = try await fake(permission) { client in
        try client.onPermission { [weak client] _ in
            await client?.close()
            await done.set(true)
            return .allow
        }
    }
    _ = await thrown { for try await _ in client.ask("Write.") {} }
    await client.close()
    #expect(await done.value)
}

@Test func anErrorOfAHookComesOutToo() async throws {
    let script: JSON = ["on_user": [["init", ["ask": "hook_callback", "id": "p"], "result"], ["default"]]]
    let client = try await fake(script) { try $0.addHook("PreToolUse", matcher: "Bash") { _ in throw NotToday() } }
    #expect(await thrown { for try await _ in client.ask("Run ls.") {} } is NotToday)
    #expect(try await client.ask("Still there?").text() == "Still there?")
    await client.close()
}

@Test func toolsComeAndGo() async throws {
    let server = try ToolServer("me", tools: [Tool("one") { _ in "1" }])
    let list: JSON = ["ask": ["subtype": "mcp_message", "server_name": "me", "message": ["jsonrpc": "2.0", "id": 7, "method": "tools/list"]], "exact": true, "id": "p"]
    let client = try await fake(["on_user": ["init", list, "result"]]) { try $0.add(server) }
    func names() async throws -> String {
        var said = ""
        for try await message in client.ask("Which?") where message.kind == .assistant { said += message.text }
        return ["one", "two"].filter { said.contains("\"name\":\"\($0)\"") }.joined(separator: " ")
    }
    #expect(try await names() == "one")
    try server.add(Tool("two") { _ in "2" })
    #expect(try await names() == "one two")
    try server.remove("one")
    #expect(try await names() == "two")
    await client.close()
}
