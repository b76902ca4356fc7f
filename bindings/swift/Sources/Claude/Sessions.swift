import CClaude

/// The sessions on the disk. Each call reads or writes files on the thread that calls: from an actor that must not wait, call it in a
/// task of its own. Options as docs/sessions.md has them.
public enum Sessions {
    /// The sessions, newest first.
    public static func list(options: JSON? = nil) throws -> JSON {
        let options = cText(options)
        return JSON(text: try text { claude_sessions_list(options, $0, $1) })
    }

    public static func info(_ id: String, options: JSON? = nil) throws -> JSON {
        let id = cText(id)
        let options = cText(options)
        return JSON(text: try text { claude_session_info(id, options, $0, $1) })
    }

    /// A conversation, oldest message first.
    public static func messages(_ id: String, options: JSON? = nil) throws -> [Message] {
        var all: [Message] = []
        try forEachMessage(of: id, options: options) { all.append($0) }
        return all
    }

    /// The same for one that is too large to be held. What `body` throws comes out here, and nothing more is given to it.
    public static func forEachMessage(
        of id: String, options: JSON? = nil, _ body: (Message) throws -> Void
    ) throws {
        let id = cText(id)
        let options = cText(options)
        try read(body) { claude_session_messages(id, options, $0, $1, $2) }
    }

    public static func subagents(of id: String, options: JSON? = nil) throws -> JSON {
        let id = cText(id)
        let options = cText(options)
        return JSON(text: try text { claude_session_subagents(id, options, $0, $1) })
    }

    public static func subagentMessages(of id: String, agent: String, options: JSON? = nil) throws -> [Message] {
        let id = cText(id)
        let agent = cText(agent)
        let options = cText(options)
        var all: [Message] = []
        try read({ all.append($0) }) { claude_session_subagent_messages(id, agent, options, $0, $1, $2) }
        return all
    }

    public static func rename(_ id: String, to title: String, options: JSON? = nil) throws {
        let id = cText(id)
        let title = cText(title)
        let options = cText(options)
        try check { claude_session_rename(id, title, options, $0) }
    }

    /// nil takes the tag away.
    public static func tag(_ id: String, _ tag: String?, options: JSON? = nil) throws {
        let id = cText(id)
        let tag = cText(tag)
        let options = cText(options)
        try check { claude_session_tag(id, tag, options, $0) }
    }

    /// Puts a session into the archive, or takes it out.
    public static func archive(_ id: String, _ archived: Bool = true, options: JSON? = nil) throws {
        let id = cText(id)
        let options = cText(options)
        try check { claude_session_archive(id, archived, options, $0) }
    }

    public static func delete(_ id: String, options: JSON? = nil) throws {
        let id = cText(id)
        let options = cText(options)
        try check { claude_session_delete(id, options, $0) }
    }

    /// Copies a session under a new id.
    public static func fork(_ id: String, options: JSON? = nil) throws -> JSON {
        let id = cText(id)
        let options = cText(options)
        return JSON(text: try text { claude_session_fork(id, options, $0, $1) })
    }

    /// The folder below `projects/` in which the CLI keeps the sessions of a working folder, which need not exist.
    public static func projectKey(of directory: String) throws -> String {
        let directory = cText(directory)
        return try text { claude_session_project_key(directory, $0, $1) }
    }

    /// Holds what a reader throws until the library has returned.
    private struct Reader {
        let body: (Message) throws -> Void
        var thrown: (any Error)?
    }

    private static func read(
        _ body: (Message) throws -> Void,
        _ call: (claude_message_fn, UnsafeMutableRawPointer, ErrorSlot) -> claude_status_t
    ) throws {
        try withoutActuallyEscaping(body) { body in
            var reader = Reader(body: body)
            try withUnsafeMutablePointer(to: &reader) { reader in
                let each: claude_message_fn = { kind, json, length, reader in
                    let reader = reader.unsafelyUnwrapped.assumingMemoryBound(to: Reader.self)
                    guard reader.pointee.thrown == nil else { return }
                    do {
                        try reader.pointee.body(Message(kind: MessageKind(rawValue: kind.rawValue), document: copy(json, length)))
                    } catch {
                        reader.pointee.thrown = error
                    }
                }
                try check { call(each, UnsafeMutableRawPointer(reader), $0) }
                if let thrown = reader.pointee.thrown { throw thrown }
            }
        }
    }
}
