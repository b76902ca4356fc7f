import Claude
import Foundation
import Testing

func processStatus(_ name: String) -> Int {
    let rows = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8))?.split(separator: "\n") ?? []
    let row = rows.first { $0.hasPrefix(name + ":") } ?? ""
    return row.split(whereSeparator: { $0 == ":" || $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0
}

/// In a process of their own: `swift test --filter Idle`.
@Suite(.serialized) struct Idle {
    /// A thousand conversations that wait cost tasks, and no thread each.
    @Test func aThousandClients() async throws {
        let number = 1000
        let before = processStatus("Threads")
        let memory = processStatus("VmRSS")
        var clients: [Client] = []
        for start in stride(from: 0, to: number, by: 16) {
            try await withThrowingTaskGroup(of: Client.self) { group in
                for _ in start..<min(start + 16, number) { group.addTask { try await fake([:]) } }
                for try await client in group { clients.append(client) }
            }
        }
        let readers = clients.map { client in Task { for try await _ in client.messages {} } }
        try await Task.sleep(for: .seconds(3)) // the library's own threads for callbacks go after two
        let threads = processStatus("Threads")
        let kilobytes = (processStatus("VmRSS") - memory) / number
        print("\(number) clients: \(threads) threads, \(before) before; \(kilobytes) kB each")
        #expect(threads <= before + 40)
        for reader in readers { reader.cancel() }
        for reader in readers { _ = await thrown { try await reader.value } }
        for start in stride(from: 0, to: number, by: 16) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, client) in clients[start..<min(start + 16, number)].enumerated() {
                    group.addTask {
                        let text = try await client.ask("Hello \(index)").text()
                        let end = await client.close()
                        #expect(text == "Hello \(index)" && end == nil)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func nothingIsLeftBehind() async throws {
        var claimed: Client?
        for isClaimed in [true, false] {
            let spare = try fakeSpare([:]).spare
            try await spare.parked()
            if isClaimed { claimed = try await spare.claim() }
        }
        #expect(try await claimed?.ask("Hello!").text() == "Hello!")
        #expect(try await eventually { try Runtime.stats()["/spares"] == "0" })
        await claimed?.close()
        try await Task.detached { try Runtime.shutdown(timeout: .seconds(30)) }.value
        let left = try Runtime.stats()
        for kind in ["clients", "spares", "errors", "strings", "events", "requests", "tool_calls", "threads", "children"] {
            #expect(left["/" + kind] == "0", "\(kind)")
        }
    }

    @Test func theThreadsOfTheLibraryAreConfigured() async throws {
        try await Task.detached { try Runtime.shutdown(timeout: .seconds(30)) }.value
        let (started, stopped) = (Counter(), Counter())
        var configuration = Runtime.Configuration()
        configuration.stackSize = 1
        #expect(status(of: await thrown { try Runtime.configure(configuration) }) == .invalidArgument)
        configuration.stackSize = 1 << 20
        configuration.threadName = "swiftly"
        configuration.workerThreads = 2
        configuration.guardian = false
        configuration.onThreadStart = { started.raise() }
        configuration.onThreadStop = { stopped.raise() }
        try Runtime.configure(configuration)
        let client = try await fake([:])
        #expect(try await client.ask("Hello!").text() == "Hello!")
        let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
        let names = tasks.compactMap { try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8) }
        #expect(names.filter { $0.hasPrefix("swiftly") }.count >= 2, "\(names)")
        #expect(status(of: await thrown { try Runtime.configure(.init()) }) == .alreadyConnected)
        await client.close()
        try await Task.detached { try Runtime.shutdown(timeout: .seconds(30)) }.value
        #expect(started.value >= 2 && started.value == stopped.value, "\(started.value) \(stopped.value)")
        try Runtime.configure(.init())
    }
}
