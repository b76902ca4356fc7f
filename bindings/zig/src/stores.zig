//! Sessions in a place of the host's: docs/sessions.md.
const std = @import("std");
const claude = @import("claude.zig");
const c = claude.c;

const Diagnostic = claude.Diagnostic;
const Error = claude.Error;
const Allocator = std.mem.Allocator;

/// One call of a store. Answer it once, now or later, on any thread; deinit fails one that has no answer. A second answer is refused
/// and does no harm.
pub const StoreCall = struct {
    handle: *c.claude_store_call_t,
    /// `project_key`, `session_id` and `subpath`, as JSON. Lives until the function returns: copy it to answer later.
    key: [:0]const u8,

    /// A member of the key, such as "/session_id"; the allocator owns it.
    pub fn get(self: StoreCall, allocator: Allocator, pointer: [:0]const u8) !?[:0]u8 {
        return claude.jsonGet(allocator, self.key, pointer);
    }
    /// JSON; null: done, and for a load that it was never stored.
    pub fn respond(self: StoreCall, json: ?[:0]const u8) Error!void {
        return claude.check(c.claude_store_call_respond(self.handle, claude.optional(json), null));
    }
    /// With the status of an error of the library, else as a file that cannot be used.
    pub fn fail(self: StoreCall, err: anyerror, message: [:0]const u8) Error!void {
        const status = claude.statusOf(err);
        return claude.check(c.claude_store_call_fail(self.handle, if (status == 1) c.CLAUDE_ERR_FILE else status, message, null));
    }
    pub fn deinit(self: StoreCall) void {
        c.claude_store_call_free(self.handle);
    }
    fn ended(self: StoreCall, outcome: anyerror!void) void {
        outcome catch |err| self.fail(err, @errorName(err)) catch {}; // it has an answer already
    }
};

/// A function of T as the library calls it; null where T has none.
fn Function(comptime T: type, comptime name: []const u8) type {
    return struct {
        fn run(handle: ?*c.claude_store_call_t, key: [*c]const u8, user_data: ?*anyopaque) callconv(.c) void {
            const host: *T = @ptrCast(@alignCast(user_data));
            const call: StoreCall = .{ .handle = handle.?, .key = std.mem.span(key) };
            call.ended(@field(T, name)(host, call));
        }
        const pointer: c.claude_store_fn = if (@hasDecl(T, name)) run else null;
    };
}

/// A store for any number of clients, which keep it when this is gone.
pub const SessionStore = struct {
    handle: *c.claude_session_store_t,

    /// `host` points to a struct with `append(*T, StoreCall, entries: [:0]const u8) !void`, whose entries are a JSON list that lives
    /// until it returns, and `load(*T, StoreCall) !void`; also, if it can, `list`, `summaries`, `remove` and `listSubkeys` like `load`.
    /// They run on threads of the library, several at once, and each answers its call; an error fails it. `deinit(*T) void` is called
    /// last of all, by the library: the host lives until then, or until `shutdown` has returned.
    pub fn create(host: anytype, diagnostic: ?*Diagnostic) Error!SessionStore {
        const T = @typeInfo(@TypeOf(host)).pointer.child;
        const Functions = struct {
            fn append(handle: ?*c.claude_store_call_t, key: [*c]const u8, entries: [*c]const u8, user_data: ?*anyopaque) callconv(.c) void {
                const store: *T = @ptrCast(@alignCast(user_data));
                const call: StoreCall = .{ .handle = handle.?, .key = std.mem.span(key) };
                call.ended(store.append(call, std.mem.span(entries)));
            }
            fn destroy(user_data: ?*anyopaque) callconv(.c) void {
                const store: *T = @ptrCast(@alignCast(user_data));
                store.deinit();
            }
        };
        var table = std.mem.zeroes(c.claude_session_store_vtable_t);
        table.size = @sizeOf(c.claude_session_store_vtable_t);
        table.append = Functions.append;
        table.load = Function(T, "load").pointer;
        table.list = Function(T, "list").pointer;
        table.summaries = Function(T, "summaries").pointer;
        table.remove = Function(T, "remove").pointer;
        table.list_subkeys = Function(T, "listSubkeys").pointer;
        if (@hasDecl(T, "deinit")) table.destroy = Functions.destroy;
        var made: ?*c.claude_session_store_t = null;
        try claude.check(c.claude_session_store_create(&table, host, &made, Diagnostic.out(diagnostic)));
        return .{ .handle = made.? };
    }
    /// One in memory, for tests.
    pub fn createMemory(diagnostic: ?*Diagnostic) Error!SessionStore {
        var made: ?*c.claude_session_store_t = null;
        try claude.check(c.claude_session_store_create_memory(&made, Diagnostic.out(diagnostic)));
        return .{ .handle = made.? };
    }
    pub fn deinit(self: SessionStore) void {
        c.claude_session_store_free(self.handle);
    }

    /// The sessions of a project, newest first. The allocator owns what comes.
    pub fn list(self: SessionStore, allocator: Allocator, options: anytype, timeout_ms: u32, diagnostic: ?*Diagnostic) ![:0]u8 {
        const document = try claude.stringify(allocator, options);
        defer allocator.free(document);
        var found: [*c]u8 = null;
        try claude.check(c.claude_session_store_list(self.handle, document, timeout_ms, &found, Diagnostic.out(diagnostic)));
        return claude.take(allocator, found);
    }
    /// Stores a session that is on the disk.
    pub fn import(self: SessionStore, allocator: Allocator, id: [:0]const u8, options: anytype, timeout_ms: u32, diagnostic: ?*Diagnostic) ![:0]u8 {
        const document = try claude.stringify(allocator, options);
        defer allocator.free(document);
        var found: [*c]u8 = null;
        try claude.check(c.claude_session_store_import(self.handle, id, document, timeout_ms, &found, Diagnostic.out(diagnostic)));
        return claude.take(allocator, found);
    }
    /// Holds it against the contract: `ok`, `passed`, `failed`, `skipped`, `cases`. For the tests of your store.
    pub fn check(self: SessionStore, allocator: Allocator, timeout_ms: u32, diagnostic: ?*Diagnostic) ![:0]u8 {
        var found: [*c]u8 = null;
        try claude.check(c.claude_session_store_check(self.handle, timeout_ms, &found, Diagnostic.out(diagnostic)));
        return claude.take(allocator, found);
    }
};

/// The summary of a session behind an append without a subpath; `previous` is null at the first. The allocator owns it.
pub fn foldSummary(allocator: Allocator, previous: ?[:0]const u8, key: [:0]const u8, entries: [:0]const u8, diagnostic: ?*Diagnostic) ![:0]u8 {
    var found: [*c]u8 = null;
    try claude.check(c.claude_session_summary_fold(claude.optional(previous), key, entries, &found, Diagnostic.out(diagnostic)));
    return claude.take(allocator, found);
}
