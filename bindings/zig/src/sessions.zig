//! Sessions on the disk, without a client: docs/sessions.md.
const std = @import("std");
const claude = @import("claude.zig");
const c = claude.c;
const Allocator = std.mem.Allocator;

/// Newest first, as JSON; options as docs/sessions.md has them. The allocator owns what comes.
pub fn list(allocator: Allocator, options: anytype, diagnostic: ?*claude.Diagnostic) ![:0]u8 {
    const document = try claude.stringify(allocator, options);
    defer allocator.free(document);
    var found: [*c]u8 = null;
    try claude.check(c.claude_sessions_list(document, &found, claude.Diagnostic.out(diagnostic)));
    return claude.take(allocator, found);
}
pub fn info(allocator: Allocator, id: [:0]const u8, options: anytype, diagnostic: ?*claude.Diagnostic) ![:0]u8 {
    const document = try claude.stringify(allocator, options);
    defer allocator.free(document);
    var found: [*c]u8 = null;
    try claude.check(c.claude_session_info(id, document, &found, claude.Diagnostic.out(diagnostic)));
    return claude.take(allocator, found);
}
/// Calls `each` for every message, oldest first. Behind an error of it nothing is called any more, and it comes out of this.
pub fn messages(
    allocator: Allocator,
    id: [:0]const u8,
    options: anytype,
    context: anytype,
    comptime each: fn (@TypeOf(context), claude.Kind, [:0]const u8) anyerror!void,
    diagnostic: ?*claude.Diagnostic,
) !void {
    const document = try claude.stringify(allocator, options);
    defer allocator.free(document);
    const R = Reader(@TypeOf(context), each);
    var reader: R = .{ .context = context };
    try claude.check(c.claude_session_messages(id, document, R.message, &reader, claude.Diagnostic.out(diagnostic)));
    return reader.failed;
}
/// The same for a subagent, by its `agent_id`.
pub fn subagentMessages(
    allocator: Allocator,
    id: [:0]const u8,
    agent_id: [:0]const u8,
    options: anytype,
    context: anytype,
    comptime each: fn (@TypeOf(context), claude.Kind, [:0]const u8) anyerror!void,
    diagnostic: ?*claude.Diagnostic,
) !void {
    const document = try claude.stringify(allocator, options);
    defer allocator.free(document);
    const R = Reader(@TypeOf(context), each);
    var reader: R = .{ .context = context };
    try claude.check(c.claude_session_subagent_messages(id, agent_id, document, R.message, &reader, claude.Diagnostic.out(diagnostic)));
    return reader.failed;
}
fn Reader(comptime Context: type, comptime each: fn (Context, claude.Kind, [:0]const u8) anyerror!void) type {
    return struct {
        context: Context,
        failed: anyerror!void = {},

        fn message(kind: i32, json: [*c]const u8, len: usize, user_data: ?*anyopaque) callconv(.c) void {
            const self: *@This() = @ptrCast(@alignCast(user_data));
            self.failed catch return;
            self.failed = each(self.context, @enumFromInt(kind), json[0..len :0]);
        }
    };
}
pub fn subagents(allocator: Allocator, id: [:0]const u8, options: anytype, diagnostic: ?*claude.Diagnostic) ![:0]u8 {
    const document = try claude.stringify(allocator, options);
    defer allocator.free(document);
    var found: [*c]u8 = null;
    try claude.check(c.claude_session_subagents(id, document, &found, claude.Diagnostic.out(diagnostic)));
    return claude.take(allocator, found);
}
pub fn rename(allocator: Allocator, id: [:0]const u8, title: [:0]const u8, options: anytype, diagnostic: ?*claude.Diagnostic) !void {
    const document = try claude.stringify(allocator, options);
    defer allocator.free(document);
    return claude.check(c.claude_session_rename(id, title, document, claude.Diagnostic.out(diagnostic)));
}
pub fn delete(allocator: Allocator, id: [:0]const u8, options: anytype, diagnostic: ?*claude.Diagnostic) !void {
    const document = try claude.stringify(allocator, options);
    defer allocator.free(document);
    return claude.check(c.claude_session_delete(id, document, claude.Diagnostic.out(diagnostic)));
}
/// null takes the tag away.
pub fn tag(allocator: Allocator, id: [:0]const u8, name: ?[:0]const u8, options: anytype, diagnostic: ?*claude.Diagnostic) !void {
    const document = try claude.stringify(allocator, options);
    defer allocator.free(document);
    return claude.check(c.claude_session_tag(id, claude.optional(name), document, claude.Diagnostic.out(diagnostic)));
}
/// Puts a session into the archive, or takes it out.
pub fn archive(allocator: Allocator, id: [:0]const u8, archived: bool, options: anytype, diagnostic: ?*claude.Diagnostic) !void {
    const document = try claude.stringify(allocator, options);
    defer allocator.free(document);
    return claude.check(c.claude_session_archive(id, archived, document, claude.Diagnostic.out(diagnostic)));
}
/// Copies a session under a new id: its `session_id`, as JSON.
pub fn fork(allocator: Allocator, id: [:0]const u8, options: anytype, diagnostic: ?*claude.Diagnostic) ![:0]u8 {
    const document = try claude.stringify(allocator, options);
    defer allocator.free(document);
    var made: [*c]u8 = null;
    try claude.check(c.claude_session_fork(id, document, &made, claude.Diagnostic.out(diagnostic)));
    return claude.take(allocator, made);
}
/// The folder below `projects/` in which the CLI keeps the sessions of a working folder.
pub fn projectKey(allocator: Allocator, directory: [:0]const u8, diagnostic: ?*claude.Diagnostic) ![:0]u8 {
    var key: [*c]u8 = null;
    try claude.check(c.claude_session_project_key(directory, &key, claude.Diagnostic.out(diagnostic)));
    return claude.take(allocator, key);
}
