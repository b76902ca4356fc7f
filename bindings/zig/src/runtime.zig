//! What belongs to the whole process.
const std = @import("std");
const claude = @import("claude.zig");
const c = claude.c;
const check = claude.check;
const Diagnostic = claude.Diagnostic;
const Error = claude.Error;
const Allocator = std.mem.Allocator;

/// The version of the library.
pub fn version() [:0]const u8 {
    return std.mem.span(c.claude_version());
}
/// That of the library that is loaded: c.CLAUDE_ABI_VERSION when it serves this module.
pub fn abiVersion() u32 {
    return c.claude_abi_version();
}
/// How the library was built, and for which CLI.
pub fn buildInfo() [:0]const u8 {
    return std.mem.span(c.claude_build_info_json());
}

pub const Config = struct {
    /// Bytes of stack of each library thread; 0 = the system's.
    stack_size: usize = 0,
    /// First part of the threads' names.
    thread_name: ?[:0]const u8 = null,
    /// Threads that move bytes; 0 = 1.
    worker_threads: u32 = 0,
    /// Without a process that ends the CLIs when this one is killed.
    no_guardian: bool = false,
};

/// Before the first client connects, or behind `shutdown`.
pub fn configure(config: Config, diagnostic: ?*Diagnostic) Error!void {
    var given = std.mem.zeroes(c.claude_runtime_config_t);
    given.size = @sizeOf(c.claude_runtime_config_t);
    given.stack_size = config.stack_size;
    given.thread_name = claude.optional(config.thread_name);
    given.worker_threads = config.worker_threads;
    given.no_guardian = @intFromBool(config.no_guardian);
    return check(c.claude_runtime_configure(&given, Diagnostic.out(diagnostic)));
}

/// Calls `function` for each line of the library's log up to a level, on any thread, several at once. `context` is a pointer.
pub fn onLog(
    most: claude.LogLevel,
    context: anytype,
    comptime function: fn (@TypeOf(context), claude.LogLevel, [:0]const u8) void,
    diagnostic: ?*Diagnostic,
) Error!void {
    const Log = struct {
        fn line(level: c.claude_log_level_t, text: [*c]const u8, len: usize, user_data: ?*anyopaque) callconv(.c) void {
            function(@ptrCast(@alignCast(user_data)), @enumFromInt(level), text[0..len :0]);
        }
    };
    return check(c.claude_runtime_on_log(@intFromEnum(most), Log.line, context, null, Diagnostic.out(diagnostic)));
}
/// Takes that away. When it returns, the function does not run any more.
pub fn noLog(diagnostic: ?*Diagnostic) Error!void {
    return check(c.claude_runtime_on_log(c.CLAUDE_LOG_OFF, null, null, null, Diagnostic.out(diagnostic)));
}

/// Ends every session and every thread of the library.
pub fn shutdown(timeout_ms: u32) Error!void {
    return check(c.claude_runtime_shutdown(timeout_ms, null));
}
/// What is alive.
pub fn stats(allocator: Allocator, diagnostic: ?*Diagnostic) ![:0]u8 {
    var found: [*c]u8 = null;
    try check(c.claude_runtime_stats(&found, Diagnostic.out(diagnostic)));
    return claude.take(allocator, found);
}
/// Which CLI a client with these options would start, and what stands in the way.
pub fn probe(allocator: Allocator, options: anytype, timeout_ms: u32, diagnostic: ?*Diagnostic) ![:0]u8 {
    const document = try claude.stringify(allocator, options);
    defer allocator.free(document);
    var found: [*c]u8 = null;
    try check(c.claude_probe(document, timeout_ms, &found, Diagnostic.out(diagnostic)));
    return claude.take(allocator, found);
}
