import Claude
import Foundation
import Testing

/// With the real CLI and the stand-in API: `swift test --filter Real` where CLAUDE_CLIENT_CLI names the one, and the environment the other.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["ANTHROPIC_BASE_URL"] != nil)) struct Real {
    @Test func aSessionIsKeptInAStoreAndGoesOnFromThere() async throws {
        let folder = NSTemporaryDirectory() + "claude-swift-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try Store(Shelf())
        let hooked = Box("")
        var options = Options()
        for part in ["home", "project"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(part)", withIntermediateDirectories: true)
        }
        options.env = ["HOME": JSON(folder + "/home"), "TMPDIR": JSON(folder)]
        options.cwd = folder + "/project"
        let first = try await Client.connect(options) { client in
            try client.setSessionStore(store)
            try client.addHook("UserPromptSubmit") { asked in
                await hooked.set(asked.input["/prompt"] ?? "")
                return .respond([:])
            }
        }
        #expect(try await first.ask("What is 2+2?").text() == "2 + 2 = 4")
        #expect(await hooked.value == "What is 2+2?")
        #expect(try await first.setPermissionMode("plan")["/mode"] == "plan")
        #expect(await first.close() == nil)

        let rows = try await store.list(options: ["directory": JSON(folder + "/project")])
        #expect(rows.count() == 1)
        try FileManager.default.removeItem(atPath: folder + "/home") // another machine has nothing of it
        options.resume = try #require(rows["/0/session_id"])
        let second = try await Client.connect(options) { try $0.setSessionStore(store) }
        #expect(try await second.ask("RECALL 1").text() == "Your message 1 was: What is 2+2?")
        #expect(await second.close() == nil)
    }

    @Test func aSpareIsClaimedForAFolder() async throws {
        let folder = NSTemporaryDirectory() + "claude-swift-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for part in ["home", "project"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(part)", withIntermediateDirectories: true)
        }
        var options: Options = ["allowed_tools": ["mcp__me"]]
        options.env = ["HOME": JSON(folder + "/home"), "TMPDIR": JSON(folder)]
        let spare = try Spare(options) { client in
            try client.addTools("me", Tool("where") { _ in "in the spare" })
        }
        try await spare.parked()
        let refused = await thrown { _ = try await spare.claim(["env": ["PATH": "/bin"]]) } as? ClaudeError
        #expect(refused?.status == .invalidOption)
        let client = try await spare.claim(["cwd": JSON(folder + "/project"), "permission_mode": "plan"])
        #expect(try await client.ask("What is 2+2?").text() == "2 + 2 = 4")
        let tool = #"USE_TOOL {"name": "mcp__me__where", "input": {}}"#
        #expect(try await client.ask(tool).text().contains("in plan mode")) // as the claim said
        try await client.setPermissionMode("default")
        #expect(try await client.ask(tool).text().contains("in the spare")) // as the spare had it
        #expect(await client.close() == nil)

        let other = try Spare(options)
        let error = await thrown { _ = try await other.claim(["cwd": JSON(folder + "/nowhere")]) } as? ClaudeError
        #expect(error?.status == .control && error?.reason == "cwd_not_found", "\(error?.document.text ?? "")")
    }
}
