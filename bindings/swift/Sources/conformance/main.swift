// Holds the conversation of one case of bindings/conformance and prints what happened: conformance CASE.json
import Claude
import Foundation

/// A member of the case, or of a step.
extension JSON {
    func part(_ name: String) -> JSON? { members.first { $0.name == name }?.value }
    func number(_ name: String) -> Int? { self["/" + name].flatMap { Int($0) } }
}

struct HandlerFailed: Error {}

/// How many lines of the log have come, on any thread.
final class Count: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0

    var value: Int { lock.withLock { count } }
    func raise() { lock.withLock { count += 1 } }
}

let script = JSON(text: try String(contentsOfFile: CommandLine.arguments[1], encoding: .utf8))
let fields = script.part("fields")?.elements.compactMap { $0[""] } ?? []
var client: Client?
var spare: Spare?
/// Of all clients.
var store: Store?
let logged = Count()

func line(_ text: String) { print(text) }

@MainActor func run(_ step: JSON) async throws {
    if let options = step.part("create") { return try await create(Options(options)) }
    if let count = step.number("clients") { return await many(count, step["/ask"] ?? "") }
    if let what = step["/session"] { return try session(what, step) }
    if let what = step["/store"] { return try await stored(what, step) }
    if let what = step["/spare"] { return try await park(what) }
    if let document = step.part("claim") {
        return try await within(step.number("within_ms")) { try await claim(document, step["/prompt"]) }
    }
    if let level = step["/log"] { return try listen(level) }
    if let code = step.number("exit") { exit(Int32(code)) }
    if client == nil { try await create(Options(script.part("options") ?? [:])) }
    guard let client else { return }
    if step["/connect"] != nil {
        try await client.connect()
        line("connected")
    } else if step["/disconnect"] != nil {
        try await client.disconnect()
        line("disconnected")
    } else if let prompt = step["/ask"] {
        try await within(step.number("within_ms")) { try await ask(client, prompt, step) }
    } else if let prompt = step["/query"] {
        try client.query(prompt)
    } else if let time = step.number("sleep") {
        try await Task.sleep(for: .milliseconds(time))
    } else if step["/interrupt"] != nil {
        try await client.interrupt()
        line("interrupted")
    } else if step["/read"] != nil {
        try await read(client)
    } else if let request = step.part("control") {
        try await within(step.number("within_ms")) { try await client.control(request) }
    }
}

/// Gives something so much time.
func within(_ time: Int?, _ body: @escaping @Sendable () async throws -> Void) async throws {
    guard let time else { return try await body() }
    let task = Task { try await body() }
    let timer = Task {
        try await Task.sleep(for: .milliseconds(time))
        task.cancel()
    }
    defer { timer.cancel() }
    try await task.value
}

@MainActor func create(_ options: Options) async throws {
    await client?.close()
    client = nil
    let made = try Client(options)
    try register(made)
    client = made
}

@MainActor func register(_ made: Client) throws {
    if let how = script.part("store") { try made.setSessionStore(theStore(how)) }
    if let how = script.part("transport") { try made.setTransport(FarSide(how)) }
    if let how = script.part("permission") {
        try made.onPermission { asked in
            line("permission \(asked.toolName)")
            switch how["/do"] {
            case "throw": throw HandlerFailed()
            case "deny": return .deny(how["/message"] ?? "")
            case "later": // this task may take its time
                try await Task.sleep(for: .milliseconds(how.number("after_ms") ?? 0))
                line("answered later")
            default: break
            }
            return .allow(input: how.part("input"))
        }
    }
    if let hook = script.part("hook") {
        try made.addHook(hook["/event"] ?? "", matcher: hook["/matcher"]) { asked in
            line("hook \(asked.input["/tool_name"] ?? "")")
            return .respond(hook.part("response") ?? [:])
        }
    }
    if let tool = script.part("tool") {
        let greet = Tool(tool["/name"] ?? "", description: tool["/description"] ?? "", inputSchema: tool.part("schema")) { call in
            let name = call.arguments["/name"] ?? ""
            line("tool \(call.name) \(name)")
            if tool["/do"] == "throw" { throw HandlerFailed() }
            return "Hello, \(name)!"
        }
        try made.addTools(tool["/server"] ?? "", greet)
    }
}

@MainActor func park(_ what: String) async throws {
    await spare?.close()
    spare = nil
    guard what == "create" else { return line("freed") }
    let made = try Spare(Options(script.part("options") ?? [:]), setUp: register)
    spare = made
    try await made.parked()
    line("parked")
}

@MainActor func claim(_ document: JSON, _ prompt: String?) async throws {
    guard let claimed = try await spare?.claim(Options(document), prompt: prompt) else { return }
    client = claimed
    line("claimed")
    guard prompt != nil else { return }
    for try await message in claimed.messages {
        _ = show(message, quiet: false)
        if message.kind == .result { break }
    }
}

func ask(_ client: Client, _ prompt: String, _ step: JSON) async throws {
    let leaveAfter = step.number("leave_after")
    var seen = 0
    for try await message in client.ask(prompt) {
        if leaveAfter == 0 {
            line("left")
            break
        }
        guard show(message, quiet: step["/quiet"] != nil) else { continue }
        seen += 1
        if seen == leaveAfter {
            line("left")
            break
        }
        if seen == step.number("interrupt_after") {
            try await client.interrupt()
            line("interrupted")
        }
    }
}

/// Says whether it is a part of the answer.
func show(_ message: Message, quiet: Bool) -> Bool {
    let text = message.text
    switch message.kind {
    case .textDelta:
        if !quiet { line("delta \(text)") }
        return true
    case .assistant where !text.isEmpty:
        let bytes = text.utf8.count
        line(bytes < 1_000_000 ? "assistant \(text)" : "assistant of \((bytes + 500_000) / 1_000_000) MB")
        return true
    case .result: line("result \(message.subtype)")
    default: break
    }
    return false
}

func read(_ client: Client) async throws {
    var count = 0
    for try await message in client.messages {
        if message.kind == .assistant { count += 1 }
        if message.kind == .result { break }
    }
    line("read \(count) messages")
}

func many(_ count: Int, _ prompt: String) async {
    let right = await withTaskGroup(of: Bool.self) { group in
        for _ in 0..<count {
            group.addTask {
                guard let client = try? await Client.connect() else { return false }
                let text = try? await client.ask(prompt).text()
                await client.close()
                return text == prompt
            }
        }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    line("\(count) clients, \(right) answers")
}

func session(_ what: String, _ step: JSON) throws {
    let id = step["/id"] ?? ""
    switch what {
    case "list": listed(try Sessions.list(), "session")
    case "info": _ = try Sessions.info(id)
    case "messages":
        if let agent = step["/agent"] {
            for message in try Sessions.subagentMessages(of: id, agent: agent) { said(message) }
        } else {
            try Sessions.forEachMessage(of: id, said)
        }
    case "subagents":
        for row in try Sessions.subagents(of: id).elements { line("subagent \(row["/agent_id"] ?? "")") }
    case "key": line("key \(try Sessions.projectKey(of: step["/directory"] ?? ""))")
    default: line(try changed(what, id, step))
    }
}

func changed(_ what: String, _ id: String, _ step: JSON) throws -> String {
    switch what {
    case "rename": try Sessions.rename(id, to: step["/title"] ?? "")
    case "tag":
        try Sessions.tag(id, step["/tag"])
        return "tagged"
    case "archive": try Sessions.archive(id)
    case "fork":
        _ = try Sessions.fork(id)
        return "copied"
    case "delete": try Sessions.delete(id)
    default: return "no such step: \(what)"
    }
    return what + "d"
}

func said(_ message: Message) { line("\(message.kind == .user ? "user" : "assistant") \(message.text)") }

func listed(_ rows: JSON, _ word: String) {
    for row in rows.elements {
        let tag = row["/tag"].map { " tag " + $0 } ?? ""
        line("\(word) \(row["/summary"] ?? "")" + tag + (row["/archived"] == "true" ? " archived" : ""))
    }
}

@MainActor func theStore(_ how: JSON) throws -> Store {
    if let store { return store }
    let made = how["/do"] == "memory" ? try Store.inMemory() : try Store(Shelf(how))
    store = made
    return made
}

@MainActor func stored(_ what: String, _ step: JSON) async throws {
    let store = try theStore(script.part("store") ?? [:])
    switch what {
    case "check":
        let report = try await store.verify()
        func number(_ name: String) -> String { "\(report.number(name) ?? -1) \(name)" }
        line("checked: " + ["passed", "failed", "skipped"].map(number).joined(separator: ", "))
    case "list": listed(try await store.list(options: step["/directory"].map { ["directory": JSON($0)] }), "stored")
    default:
        let counts = try await store.importSession(step["/id"] ?? "")
        line("imported \(counts["/entries"] ?? "")")
    }
}

@MainActor func listen(_ level: String) throws {
    guard level == "off" else { return try Runtime.onLog(.debug) { [logged] _, _ in logged.raise() } }
    try Runtime.stopLog()
    line(logged.value > 0 ? "logged" : "no log")
}

@MainActor func tell(_ error: any Error) {
    switch error {
    case is HandlerFailed: line("caught the handler failed")
    case is CancellationError: line("cancelled")
    case let error as ClaudeError:
        let known = fields.compactMap { field in
            error.document["/" + field].map { " \(field)=\($0.trimmingCharacters(in: .newlines))" }
        }
        line("error \(error.status)" + known.joined())
    default: line("error \(error)")
    }
}

for step in script.part("steps")?.elements ?? [] {
    do {
        try await run(step)
    } catch {
        tell(error)
    }
}
await client?.close()
await spare?.close()
