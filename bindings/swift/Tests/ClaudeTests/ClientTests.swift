import Claude
import Foundation
import Testing

@Test func errorsHaveTheirFields() async throws {
    var error = await thrown { _ = try Client(["max_turn": 3]) } as? ClaudeError
    #expect(error?.status == .invalidOption && error?.pointer == "/max_turn" && error?.remedy != nil)
    error = await thrown { _ = try await fake(["on_start": [["stderr": "no login\n"], ["exit": 3]]]) } as? ClaudeError
    #expect(error?.status == .process && error?.exitCode == 3 && error?.stderr?.contains("no login") == true)
    do {
        _ = try await Client.connect(["cli_path": "/nowhere/claude"])
        Issue.record("it connects to nothing")
    } catch Status.cliNotFound {}
}

@Test func connectingEndsWithItsTask() async throws {
    let task = Task { _ = try await fake(["on_initialize": []]) }
    try await Task.sleep(for: .milliseconds(200))
    task.cancel()
    #expect(await thrown { try await task.value } is CancellationError)
}

@Test func aReadThatIsCancelledLosesNothing() async throws {
    let client = try await fake([:])
    for _ in 0..<20 {
        let task = Task { _ = try await client.next() }
        try await Task.sleep(for: .milliseconds(1))
        task.cancel()
        let error = await thrown { try await task.value }
        #expect(error == nil || error is CancellationError)
    }
    #expect(try await client.ask("Hello!").text() == "Hello!")
    #expect(await client.close() == nil)
}

@Test func oneAnswerAtATime() async throws {
    let client = try await fake([:])
    for try await _ in client.ask("one") {
        #expect(status(of: await thrown { _ = try await client.ask("two").text() }) == .invalidArgument)
        break
    }
    #expect(try await client.ask("three").text() == "three")
    await client.close()
}

@Test func anAnswerThatIsCancelledLeavesTheConversation() async throws {
    let client = try await fake(["on_user": [["init", ["text": "thinking"], ["sleep": 60000], "result"], ["default"]]])
    let task = Task {
        for try await message in client.ask("Think.") where message.kind == .assistant { try await Task.sleep(for: .seconds(60)) }
    }
    try await Task.sleep(for: .milliseconds(200))
    task.cancel()
    #expect(await thrown { try await task.value } is CancellationError)
    #expect(try await client.ask("Never mind.").text() == "Never mind.")
    await client.close()
}

@Test func aNulIsCarriedOrRefused() async throws {
    let client = try await fake([:])
    #expect(try await client.ask("a\0b").text() == "a\0b")
    #expect(status(of: await thrown { try await client.setModel("a\0b") }) == .invalidArgument)
    await client.close()
}

@Test func operationsBehindTheEnd() async throws {
    let client = try await fake([:])
    for _ in 0..<3 { try await client.disconnect() }
    #expect(status(of: await thrown { try await client.interrupt() }) == .closed)
    for try await _ in client.messages {}
    #expect(try await client.next() == nil)
    #expect(await client.close() == nil)
    #expect(await client.close() == nil)
    #expect(status(of: await thrown { try client.query("too late") }) == .invalidHandle)
    #expect(status(of: await thrown { try await client.interrupt() }) == .invalidHandle)
    #expect(status(of: await thrown { try await client.connect() }) == .invalidHandle)
}

@Test func manyTasksOnOneClient() async throws {
    let client = try await fake([:])
    try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
            group.addTask {
                for _ in 0..<50 {
                    let reply = try await client.mcpStatus()
                    #expect(reply["/mcpServers"] != nil)
                }
            }
        }
        for _ in 0..<30 { #expect(try await client.ask("Hello!").text() == "Hello!") }
        try await group.waitForAll()
    }
    await client.close()
}

@Test func closingEndsAReaderThatWaits() async throws {
    let client = try await fake([:])
    let reader = Task { for try await _ in client.messages {} }
    try await Task.sleep(for: .milliseconds(50))
    #expect(await client.close() == nil)
    try await reader.value
}

@Test func aClientThatIsLetGoOfEndsItsCLI() async throws {
    var client: Client? = try await fake([:])
    let pid = try #require(client?.pid)
    #expect(kill(pid_t(pid), 0) == 0)
    client = nil
    #expect(try await isGone(pid))
}

@Test func whatIsUnreadIsCounted() async throws {
    let client = try await fake(["on_user": ["init", ["flood": 50, "bytes": 300], "result"]])
    try client.query("Talk.")
    #expect(try await eventually { try client.pending().events >= 50 })
    #expect(try client.pending().bytes >= 50 * 250)
    await client.close()
    #expect(status(of: await thrown { _ = try client.pending() }) == .invalidHandle)
}

@Test func theEndOfACLIIsToldByClose() async throws {
    let client = try await fake(["on_user": ["init", ["stderr": "boom\n"], ["exit": 3]]])
    try client.query("Die.")
    #expect(status(of: await thrown { for try await _ in client.messages {} }) == .process)
    #expect(await client.close()?.exitCode == 3)
}

@Test func optionsByPropertyLiteralAndCodable() throws {
    struct Mine: Encodable { let model = "opus", max_turns = 2 }
    var options = try Options(encoding: Mine())
    options.systemPrompt = "Say \"hi\"\n"
    options.allowedTools = ["Bash(git *)", "Read"]
    options.maxTurns = 3
    #expect(options.model == "opus" && options.maxTurns == 3 && options.allowedTools?.count == 2 && options.cwd == nil)
    let text = #"{"model":"opus","system_prompt":"Say \"hi\"\u000a","allowed_tools":["Bash(git *)","Read"],"max_turns":3}"#
    #expect(options.json.text == text)
    _ = try Client(options)
    let nested: JSON = ["a": [1, 2.5, true, "x, {y}"], "b": ["c": "}]"], "d": []]
    #expect(nested.text == #"{"a":[1,2.5,true,"x, {y}"],"b":{"c":"}]"},"d":[]}"#)
    #expect(nested.members.map(\.value.text) == [#"[1,2.5,true,"x, {y}"]"#, #"{"c":"}]"}"#, "[]"])
    #expect(nested["/a/3"] == "x, {y}" && nested.count(at: "/a") == 4 && nested.members[2].value.elements.isEmpty)
}

@Test func theLogAndTheProbe() async throws {
    let (lines, continuation) = AsyncStream<String>.makeStream()
    try Runtime.onLog(.debug) { _, line in continuation.yield(line) }
    let client = try await fake([:])
    var first = lines.makeAsyncIterator()
    #expect(await first.next()?.isEmpty == false)
    await client.close()
    try Runtime.stopLog()
    let found = try await Task.detached { try Runtime.probe() }.value
    #expect(found["/cli/path"] == ProcessInfo.processInfo.environment["CLAUDE_CLIENT_CLI"], "\(found)")
    #expect(Runtime.version.hasPrefix("0."))
    #expect(Runtime.buildInfo["/version"] == Runtime.version && Runtime.buildInfo["/tested_cli_version"] != nil)
    #expect(Runtime.abiVersion == Runtime.headerABIVersion)
    #expect(try Sessions.projectKey(of: "/home/me") == "-home-me")
}
