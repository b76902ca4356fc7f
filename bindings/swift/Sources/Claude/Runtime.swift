import CClaude

/// What concerns the whole process.
public enum Runtime {
    /// The version of the library.
    public static var version: String { String(cString: claude_version()) }

    /// The interface of the library that is loaded; `headerABIVersion` when it serves this package.
    public static var abiVersion: UInt32 { claude_abi_version() }
    /// The interface that this package was compiled for.
    public static var headerABIVersion: UInt32 { CLAUDE_ABI_VERSION }

    /// How the library was built, and for which CLI.
    public static var buildInfo: JSON { JSON(text: String(cString: claude_build_info_json())) }

    /// Settings of the library's threads and of its guardian.
    public struct Configuration: Sendable {
        /// Bytes of stack of each thread, at least 524288; 0: the system's.
        public var stackSize = 0
        /// The first part of the threads' names; nil: "claude".
        public var threadName: String?
        /// Threads that move bytes between the CLIs and the queues; 0: one.
        public var workerThreads: UInt32 = 0
        /// Whether a process of its own ends the CLIs when this one is killed.
        public var guardian = true
        /// Run first and last on each thread of the library; they must not wait.
        public var onThreadStart, onThreadStop: (@Sendable () -> Void)?

        public init() {}
    }

    /// Configures the library, before the first client connects or behind `shutdown`; `Status.alreadyConnected` in between.
    public static func configure(_ configuration: Configuration) throws {
        // The library has the pointer until the next shutdown has returned, so the functions stay until the next configuration.
        let functions = ThreadFunctions(start: configuration.onThreadStart, stop: configuration.onThreadStop)
        var given = claude_runtime_config_t()
        given.size = MemoryLayout<claude_runtime_config_t>.size
        given.stack_size = configuration.stackSize
        given.worker_threads = configuration.workerThreads
        given.no_guardian = configuration.guardian ? 0 : 1
        given.user_data = Unmanaged.passUnretained(functions).toOpaque()
        if functions.start != nil { given.on_thread_start = { ThreadFunctions.of($0).start?() } }
        if functions.stop != nil { given.on_thread_stop = { ThreadFunctions.of($0).stop?() } }
        let name = cText(configuration.threadName)
        try threadFunctions.with { kept in
            try (name ?? []).withUnsafeBufferPointer { text in
                given.thread_name = name == nil ? nil : text.baseAddress
                try check { claude_runtime_configure(&given, $0) }
            }
            kept = functions
        }
    }

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

private let threadFunctions = Locked<ThreadFunctions?>(nil)

private final class ThreadFunctions: Sendable {
    let start, stop: (@Sendable () -> Void)?

    init(start: (@Sendable () -> Void)?, stop: (@Sendable () -> Void)?) {
        self.start = start
        self.stop = stop
    }

    static func of(_ pointer: UnsafeMutableRawPointer?) -> ThreadFunctions {
        Unmanaged<ThreadFunctions>.fromOpaque(pointer.unsafelyUnwrapped).takeUnretainedValue()
    }
}

private final class LogFunction: Sendable {
    let function: @Sendable (LogLevel, String) -> Void
    init(_ function: @escaping @Sendable (LogLevel, String) -> Void) { self.function = function }
}
