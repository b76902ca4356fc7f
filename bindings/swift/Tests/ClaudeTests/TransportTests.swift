import Claude
import Foundation
import Testing

struct NoFarSide: Error {}

/// Answers like a CLI, in the same process.
final class FarSide: Transport, @unchecked Sendable {
    let fails: Bool
    private var sink: Sink? // set before anything else is called
    init(fails: Bool = false) { self.fails = fails }

    func connect(_ sink: Sink) throws {
        if fails { throw NoFarSide() }
        self.sink = sink
    }
    func endInput() throws { try sink?.end(exitCode: 0) }
    func close() {}
    func write(_ line: [UInt8]) throws {
        let frame = JSON(text: String(decoding: line, as: UTF8.self))
        let reply: JSON =
            frame["/type"] == "user"
            ? ["type": "result", "subtype": "success", "is_error": false, "num_turns": 1, "result": "from afar", "session_id": "s"]
            : ["type": "control_response", "response": ["subtype": "success", "request_id": JSON(frame["/request_id"] ?? ""), "response": [:]]]
        try sink?.push(Array((reply.text + "\n").utf8))
    }
}

@Test func aTransport() async throws {
    let client = try await Client.connect { try $0.setTransport(FarSide()) }
    #expect(try await client.ask("Who is there?").text() == "from afar")
    await client.close()
}

@Test func anErrorOfATransportComesOut() async throws {
    let client = try Client()
    try client.setTransport(FarSide(fails: true))
    #expect(status(of: await thrown { try await client.connect() }) == .cliConnection)
    #expect(await thrown { _ = try await client.next() } is NoFarSide)
    await client.close()
}

@Test func aRecordIsPlayedAgain() async throws {
    let path = NSTemporaryDirectory() + "record-\(UUID().uuidString).ndjson"
    defer { unlink(path) }
    var client = try await fake([:], ["record": JSON(path)])
    #expect(try await client.ask("Hello!").text() == "Hello!")
    await client.close()
    client = try await Client.connect(["replay": JSON(path)])
    #expect(try await client.ask("Hello!").text() == "Hello!")
    #expect(client.pid == 0)
    await client.close()
}

/// A store as the contract wants it.
actor Shelf: SessionStore {
    nonisolated let features: SessionStoreFeatures = [.list, .remove, .subkeys]
    private var entries: [String: [JSON]] = [:]
    private var keys: [String: (key: JSON, mtime: Int)] = [:]
    private var clock = 0

    private func name(_ key: JSON) -> String { "\(key["/project_key"] ?? "")|\(key["/session_id"] ?? "")|\(key["/subpath"] ?? "")" }

    func append(_ new: JSON, to key: JSON) {
        clock += 1
        for entry in new.elements {
            let uuid = entry["/uuid"]
            if uuid != nil, entries[name(key), default: []].contains(where: { $0["/uuid"] == uuid }) { continue }
            entries[name(key), default: []].append(entry)
        }
        keys[name(key)] = (key, clock)
    }

    func load(_ key: JSON) -> JSON? { entries[name(key)].map { JSON($0) } }

    func list(_ project: JSON) -> JSON {
        let rows = keys.values.filter { $0.key["/project_key"] == project["/project_key"] && $0.key["/subpath"] == nil }
        return JSON(rows.map { ["session_id": JSON($0.key["/session_id"] ?? ""), "mtime": JSON($0.mtime)] })
    }

    func remove(_ key: JSON) {
        for (name, kept) in keys where kept.key["/project_key"] == key["/project_key"] && kept.key["/session_id"] == key["/session_id"] {
            guard key["/subpath"] == nil || kept.key["/subpath"] == key["/subpath"] else { continue }
            keys[name] = nil
            entries[name] = nil
        }
    }

    func subkeys(of key: JSON) -> JSON {
        let kept = keys.values.filter { $0.key["/project_key"] == key["/project_key"] && $0.key["/session_id"] == key["/session_id"] }
        return JSON(kept.compactMap { $0.key["/subpath"] }.sorted())
    }
}

@Test func aStoreOfTheHostKeepsTheContract() async throws {
    let report = try await Store(Shelf()).verify()
    #expect(report["/ok"] == "true", "\(report)")
    #expect(Int(report["/passed"] ?? "") ?? 0 > 5, "\(report)")
    #expect(try await Store.inMemory().verify()["/ok"] == "true")
}
