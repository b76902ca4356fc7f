import Claude
import Foundation
import Testing

@Test func aSpareBecomesASession() async throws {
    let asked = Box("")
    var made: (spare: Spare, client: Client)? = try fakeSpare(permission) { client in
        try client.onPermission { request in
            await asked.set(request.toolName)
            return .allow
        }
    }
    let client = try #require(made).client
    #expect(try await made?.spare.parked()["/commands"] != nil)
    #expect(made?.spare.state == .connecting && client.state == .connecting)
    #expect(status(of: await thrown { try client.query("too early") }) == .notConnected)
    let claimed = try #require(await made?.spare.claim(["cwd": "/", "permission_mode": "plan"]))
    #expect(claimed === client && client.state == .connected)
    #expect(status(of: await thrown { _ = try await made?.spare.claim() }) == .alreadyConnected)
    await made?.spare.close() // which leaves what was claimed
    made = nil
    var places: [String] = []
    for try await message in client.ask("Write.") where message.kind == .system { places.append(message.json["/cwd"] ?? "") }
    #expect(places.contains("/"), "\(places)")
    #expect(await asked.value == "Write")
    #expect(await client.close() == nil)
}

@Test func aSpareAnswersWhileItWaits() async throws {
    let asked = Box("")
    let (spare, client) = try fakeSpare(["on_initialize": ["default", ["ask": "hook_callback", "wait": false, "id": "h"]]]) { client in
        try client.addHook("PreToolUse") { request in
            await asked.set(request.input["/hook_event_name"] ?? "")
            return .respond([:])
        }
    }
    #expect(try await eventually { await asked.value == "PreToolUse" })
    #expect(spare.state == .connecting)
    #expect(try await spare.claim() === client)
    await client.close()
}

@Test func aPromptOfAClaimIsSentWithIt() async throws {
    // Still starting.
    let (spare, _) = try fakeSpare(["on_initialize": [["sleep": 200], "default"]])
    let client = try await spare.claim(prompt: "Hello!")
    var said = ""
    for try await message in client.messages {
        if message.kind == .assistant { said += message.text }
        if message.kind == .result { break }
    }
    #expect(said == "Hello!")
    await client.close()
}

@Test func aClaimThatCannotBeUsedLeavesTheSpare() async throws {
    let (spare, client) = try fakeSpare([:])
    for (claim, place) in [(["resume": "x"], "/resume"), (["env": ["PATH": "/bin"]], "/env/PATH")] as [(Options, String)] {
        let error = await thrown { _ = try await spare.claim(claim, prompt: "never") } as? ClaudeError
        #expect(error?.status == .invalidOption && error?.pointer == place)
    }
    let late = Task {
        try? await Task.sleep(for: .seconds(60))
        return try await spare.claim()
    }
    late.cancel()
    #expect(await thrown { _ = try await late.value } is CancellationError)
    #expect(try await spare.claim() === client)
    #expect(try await client.ask("Hello!").text() == "Hello!")
    await client.close()
}

@Test func aClaimThatIsRefusedEndsTheCLI() async throws {
    let refusal: JSON = [["respond_error": "cwd_not_found: the claim cwd does not exist"]]
    let (spare, client) = try fakeSpare(["on_control": ["claim_session": refusal]])
    try await spare.parked()
    let pid = client.pid
    for _ in 0..<2 { // it is told again
        let error = await thrown { _ = try await spare.claim(["cwd": "/nowhere"]) } as? ClaudeError
        #expect(error?.status == .control && error?.reason == "cwd_not_found" && error?.remedy != nil, "\(error?.document.text ?? "")")
    }
    try await spare.ended()
    #expect(try await isGone(pid))
    #expect(spare.state == .closed)
    await spare.close()
}

@Test func aClaimThatIsCancelledEndsTheCLI() async throws {
    let (spare, client) = try fakeSpare(["on_control": ["claim_session": [["system": "it_is_asked"]]]])
    try await spare.parked()
    let pid = client.pid
    let task = Task { _ = try await spare.claim(prompt: "never") }
    #expect(try await eventually { try client.pending().events == 1 })
    task.cancel()
    #expect(await thrown { try await task.value } is CancellationError)
    #expect(try await isGone(pid))
    try await spare.ended()
    #expect(await thrown { _ = try await spare.claim() } is ClaudeError)
}

@Test func onlyOneOfManyGetsASpare() async throws {
    let (spare, client) = try fakeSpare(["on_initialize": [["sleep": 100], "default"]])
    let got = await withTaskGroup(of: Bool.self) { group in
        for _ in 0..<16 {
            group.addTask {
                let claimed = try? await spare.claim()
                return claimed != nil
            }
        }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(got == 1)
    #expect(try await client.ask("Hello!").text() == "Hello!")
    await client.close()
}

@Test func aSpareThatNobodyClaimsEndsItsCLI() async throws {
    var made: (spare: Spare, client: Client)? = try fakeSpare([:])
    try await made?.spare.parked()
    var pid = try #require(made?.client.pid)
    #expect(kill(pid_t(pid), 0) == 0)
    made = nil
    #expect(try await isGone(pid))

    let closed = try fakeSpare([:])
    try await closed.spare.parked()
    pid = closed.client.pid
    await closed.spare.close()
    #expect(kill(pid_t(pid), 0) != 0)
    #expect(status(of: await thrown { _ = try await closed.spare.claim() }) == .invalidHandle)

    let starting = try fakeSpare(["on_initialize": []])
    let waits = Task { try await starting.spare.parked() }
    await starting.spare.close() // on its way
    #expect(await thrown { _ = try await waits.value } is ClaudeError)
}

@Test func theEndOfASpareThatWaitsIsTold() async throws {
    let (dying, _) = try fakeSpare(["on_initialize": ["default", ["stderr": "out of luck\n"], ["exit": 3]]])
    try await dying.ended()
    let error = await thrown { _ = try await dying.claim() } as? ClaudeError
    #expect(error?.status == .process && error?.exitCode == 3)

    let (dead, _) = try fakeSpare(["on_start": [["exit": 3]]])
    #expect(status(of: await thrown { try await dead.parked() }) == .process)
    #expect(status(of: await thrown { _ = try await dead.claim() }) == .process)

    let (waiting, _) = try fakeSpare([:])
    for wait in [Task { try await waiting.ended() }, Task { try await waiting.parked(); try await waiting.ended() }] {
        wait.cancel()
        #expect(await thrown { try await wait.value } is CancellationError)
    }
    await waiting.close()
}

@Test func whatCannotBeASpareIsRefused() async throws {
    #expect(status(of: await thrown { _ = try Spare(["resume": "0b0e0000-0000-4000-8000-000000000001"]) }) == .invalidOption)
}
