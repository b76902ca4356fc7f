//! Conversations with Claude Code: a layer over claude_client.h, which is `c`.
//!
//! The client is in PULL mode: handlers run on the thread that waits in the client, and an error of one comes out of that wait. One
//! thread at a time waits in a client; a request or a tool call may be answered on any. The library itself calls only a session
//! store, a transport, a log function and a ready function, on its own threads.
const std = @import("std");
const generated = @import("generated.zig");
pub const c = @cImport(@cInclude("claude_client.h"));

pub const Kind = generated.Kind;
pub const RequestKind = generated.RequestKind;
pub const State = generated.State;
pub const HookFailure = generated.HookFailure;
pub const Escalation = generated.Escalation;
pub const LogLevel = generated.LogLevel;
pub const Error = generated.Error;
pub const check = generated.check;
/// The status that an error stands for; 1, which is none, for one that is not of the library.
pub const statusOf = generated.statusOf;
pub const RequestState = generated.RequestState;
/// Sessions on the disk.
pub const sessions = @import("sessions.zig");
/// What belongs to the whole process.
pub const runtime = @import("runtime.zig");
/// Control requests; those of a client are methods of it.
pub const operations = @import("operations.zig");
pub const Client = @import("client.zig").Client;
pub const Answer = @import("client.zig").Answer;
/// A CLI that waits to become a session.
pub const Spare = @import("spare.zig").Spare;
pub const queryOnce = @import("client.zig").queryOnce;
pub const Request = @import("requests.zig").Request;
pub const ToolCall = @import("tools.zig").ToolCall;
pub const ToolServer = @import("tools.zig").ToolServer;
pub const Handler = @import("tools.zig").Handler;
pub const SessionStore = @import("stores.zig").SessionStore;
pub const StoreCall = @import("stores.zig").StoreCall;
pub const foldSummary = @import("stores.zig").foldSummary;
pub const Sink = @import("transport.zig").Sink;
pub const shutdown = runtime.shutdown;
const Allocator = std.mem.Allocator;

/// What a Zig error does not tell. Give one to learn more, and deinit it at the end.
pub const Diagnostic = struct {
    handle: ?*c.claude_error_t = null,
    /// Of an operation or a session that ended: the document, owned by this.
    document: ?[:0]u8 = null,
    allocator: ?Allocator = null,

    /// All that is known: docs/errors.md.
    pub fn json(self: Diagnostic) [:0]const u8 {
        if (self.document) |document| return document;
        return std.mem.span(c.claude_error_json(self.handle));
    }
    pub fn message(self: Diagnostic) []const u8 {
        return std.mem.span(c.claude_error_message(self.handle));
    }
    /// A member of the document by its pointer; the allocator owns it.
    pub fn get(self: Diagnostic, allocator: Allocator, pointer: [:0]const u8) !?[:0]u8 {
        return jsonGet(allocator, self.json(), pointer);
    }
    pub fn deinit(self: *Diagnostic) void {
        c.claude_error_free(self.handle);
        if (self.document) |document| self.allocator.?.free(document);
        self.* = .{};
    }
    pub fn out(self: ?*Diagnostic) [*c]?*c.claude_error_t {
        const diagnostic = self orelse return null;
        diagnostic.deinit(); // a failing call replaces the pointer without freeing what it pointed to
        return &diagnostic.handle;
    }
    pub fn keep(self: ?*Diagnostic, allocator: Allocator, document: []const u8) !void {
        const diagnostic = self orelse return;
        diagnostic.deinit();
        diagnostic.document = try allocator.dupeZ(u8, document);
        diagnostic.allocator = allocator;
    }
};

/// A value out of a JSON text by its RFC 6901 pointer; null: nothing is there. The allocator owns it.
pub fn jsonGet(allocator: Allocator, json: [:0]const u8, pointer: [:0]const u8) !?[:0]u8 {
    var value: [*c]u8 = null;
    check(c.claude_json_get(json, pointer, &value, null)) catch return null;
    defer c.claude_string_free(value);
    return try allocator.dupeZ(u8, std.mem.span(value));
}

/// JSON of anything that std.json can write, such as `.{ .model = "opus" }`.
pub fn stringify(allocator: Allocator, value: anytype) ![:0]u8 {
    if (@TypeOf(value) == Json) return allocator.dupeZ(u8, value.text);
    if (@TypeOf(value) == @TypeOf(.{})) return allocator.dupeZ(u8, "{}"); // which is a list for std.json
    const text = try std.json.Stringify.valueAlloc(allocator, value, .{ .emit_null_optional_fields = false });
    defer allocator.free(text);
    return allocator.dupeZ(u8, text);
}

/// Text that is JSON already, wherever a value is taken.
pub const Json = struct {
    text: []const u8,

    pub fn jsonStringify(self: Json, writer: anytype) !void {
        try writer.print("{s}", .{self.text});
    }
};

/// Copies a text that the library gave, and frees it.
pub fn take(allocator: Allocator, owned: [*c]u8) ![:0]u8 {
    defer c.claude_string_free(owned);
    return allocator.dupeZ(u8, std.mem.span(owned));
}

/// NULL for no text.
pub fn optional(text: ?[:0]const u8) [*c]const u8 {
    return if (text) |given| given.ptr else null;
}

/// A text with a NUL behind it; one inside would cut it short.
pub fn zero(allocator: Allocator, text: []const u8) ![:0]u8 {
    if (std.mem.indexOfScalar(u8, text, 0) != null) return error.InvalidArgument;
    return allocator.dupeZ(u8, text);
}

/// A message or an event. Its text lives until deinit.
pub const Event = struct {
    handle: *c.claude_event_t,
    info: c.claude_event_info_t,

    pub fn of(handle: *c.claude_event_t) Event {
        var info = std.mem.zeroes(c.claude_event_info_t);
        info.size = @sizeOf(c.claude_event_info_t);
        _ = c.claude_event_info(handle, &info, null);
        return .{ .handle = handle, .info = info };
    }
    pub fn deinit(self: Event) void {
        c.claude_event_free(self.handle);
    }
    pub fn kind(self: Event) Kind {
        return @enumFromInt(self.info.kind);
    }
    /// As the CLI wrote it; plain text for text_delta and stderr.
    pub fn json(self: Event) [:0]const u8 {
        if (self.info.json == null) return "";
        return self.info.json[0..self.info.len :0];
    }
    pub fn get(self: Event, allocator: Allocator, pointer: [:0]const u8) !?[:0]u8 {
        return jsonGet(allocator, self.json(), pointer);
    }
    /// Parses it; the caller deinits what it gets.
    pub fn parse(self: Event, comptime T: type, allocator: Allocator) !std.json.Parsed(T) {
        return std.json.parseFromSlice(T, allocator, self.json(), .{ .ignore_unknown_fields = true });
    }
    /// What a user reads of it, owned by the allocator; empty for messages without a text.
    pub fn text(self: Event, allocator: Allocator) ![:0]u8 {
        switch (self.kind()) {
            .text_delta, .stderr => return allocator.dupeZ(u8, self.json()),
            else => {},
        }
        return textOf(allocator, self.json());
    }
    pub fn is(self: Event, allocator: Allocator, pointer: [:0]const u8, expected: []const u8) !bool {
        const value = try self.get(allocator, pointer) orelse return false;
        defer allocator.free(value);
        return std.mem.eql(u8, value, expected);
    }
    /// Whether the turn of a prompt is over.
    pub fn endsTurnOf(self: Event, allocator: Allocator, prompt: []const u8) !bool {
        switch (self.kind()) {
            .turn_ended => {
                const prompts = try self.get(allocator, "/prompts") orelse return false;
                defer allocator.free(prompts);
                return std.mem.indexOf(u8, prompts, prompt) != null;
            },
            .command_lifecycle => return try self.is(allocator, "/command_uuid", prompt) and
                try self.is(allocator, "/state", "cancelled"),
            else => return false,
        }
    }
};

/// What a user reads of a message, owned by the allocator; empty for messages without a text.
pub fn textOf(allocator: Allocator, json: [:0]const u8) ![:0]u8 {
    var said: [*c]u8 = null;
    var diagnostic: Diagnostic = .{};
    defer diagnostic.deinit();
    check(c.claude_message_text(json, &said, &diagnostic.handle)) catch |err|
        return allocator.dupeZ(u8, if (err == error.Result) diagnostic.message() else "");
    defer c.claude_string_free(said);
    return allocator.dupeZ(u8, std.mem.span(said));
}

/// The name of the status that an error stands for, such as CLAUDE_ERR_TIMEOUT.
pub fn statusName(err: anyerror) []const u8 {
    return std.mem.span(c.claude_status_name(generated.statusOf(err)));
}

test {
    _ = @import("tests.zig");
}
