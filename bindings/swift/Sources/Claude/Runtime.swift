import CClaude

/// What concerns the whole process.
public enum Runtime {
    /// The version of the library.
    public static var version: String { String(cString: claude_version()) }

    /// Which CLI a client with these options would start, and what stands in the way. It waits on the thread that calls.
    public static func probe(_ options: Options = [:], timeout: Duration = .seconds(60)) throws -> JSON {
        let options = cText(options.json)
        return JSON(text: try text { claude_probe(options, milliseconds(timeout), $0, $1) })
    }

    /// Counts what is alive.
    public static func stats() throws -> JSON { JSON(text: try text { claude_runtime_stats($0, $1) }) }

    /// Closes every session of the process and ends every thread of the library. It waits on the thread that calls.
    public static func shutdown(timeout: Duration = .seconds(60)) throws {
        try check { claude_runtime_shutdown(milliseconds(timeout), $0) }
    }

    /// Registers who gets the lines of the library's log up to a level, on any thread; it must not wait.
    public static func onLog(_ most: LogLevel, _ function: @escaping @Sendable (LogLevel, String) -> Void) throws {
        let held = Unmanaged.passRetained(LogFunction(function))
        try check {
            claude_runtime_on_log(
                claude_log_level_t(rawValue: most.rawValue),
                { level, text, length, held in
                    let held = Unmanaged<LogFunction>.fromOpaque(held.unsafelyUnwrapped).takeUnretainedValue()
                    held.function(LogLevel(rawValue: level.rawValue), copy(text, length))
                },
                held.toOpaque(), { Unmanaged<LogFunction>.fromOpaque($0.unsafelyUnwrapped).release() }, $0)
        }
    }

    /// Nobody gets the log any more.
    public static func stopLog() throws { try check { claude_runtime_on_log(CLAUDE_LOG_OFF, nil, nil, nil, $0) } }
}

private final class LogFunction: Sendable {
    let function: @Sendable (LogLevel, String) -> Void
    init(_ function: @escaping @Sendable (LogLevel, String) -> Void) { self.function = function }
}
