import Claude
import Foundation

/// A session store in memory, in Swift alone. It keeps each append as it comes, and a summary for each session, and does first what the
/// case says.
actor Shelf: SessionStore {
    private struct Name: Hashable {
        let project, session: String
        let subpath: String?

        init(_ key: JSON) {
            project = key["/project_key"] ?? ""
            session = key["/session_id"] ?? ""
            subpath = key["/subpath"]
        }

        func isPart(of other: Name) -> Bool { project == other.project && session == other.session }
    }

    private struct Kept {
        var entries: [JSON] = []
        var mtime = 0
        var summary: JSON?
    }

    nonisolated let features: SessionStoreFeatures = [.list, .summaries, .remove, .subkeys]
    private let how: JSON
    private var kept: [Name: Kept] = [:]
    private var newest = 0

    init(_ how: JSON) { self.how = how }

    private func begin() async throws {
        if how["/do"] == "throw" { throw HandlerFailed() }
        if how["/do"] == "later" { try await Task.sleep(for: .milliseconds(how.number("after_ms") ?? 0)) }
    }

    func append(_ entries: JSON, to key: JSON) async throws {
        try await begin()
        let name = Name(key)
        var all = kept[name] ?? Kept()
        all.entries += entries.elements
        // Two appends within a millisecond are in their order all the same.
        newest = max(Int(Date().timeIntervalSince1970 * 1000), newest + 1)
        all.mtime = newest
        if name.subpath == nil {
            let made = try Store.foldSummary(all.summary, key: key, entries: entries)
            let data = JSON(text: made["/data"] ?? "null")
            all.summary = ["session_id": JSON(name.session), "mtime": JSON(newest), "data": data]
        }
        kept[name] = all
    }

    func load(_ key: JSON) async throws -> JSON? {
        try await begin()
        return kept[Name(key)].map { JSON($0.entries) }
    }

    func list(_ project: JSON) async throws -> JSON {
        try await begin()
        return JSON(sessions(of: project).map { ["session_id": JSON($0.session), "mtime": JSON($1.mtime)] })
    }

    func summaries(_ project: JSON) async throws -> JSON {
        try await begin()
        return JSON(sessions(of: project).compactMap { $1.summary })
    }

    func remove(_ key: JSON) async throws {
        try await begin()
        let gone = Name(key)
        kept = kept.filter { name, _ in !(name == gone || gone.subpath == nil && name.isPart(of: gone)) }
    }

    func subkeys(of key: JSON) async throws -> JSON {
        try await begin()
        return JSON(kept.keys.filter { $0.isPart(of: Name(key)) }.compactMap(\.subpath))
    }

    private func sessions(of project: JSON) -> [(Name, Kept)] {
        kept.filter { name, _ in name.project == project["/project_key"] && name.subpath == nil }.map { ($0, $1) }
    }
}
