//! What the CLI asks.
const std = @import("std");
const claude = @import("claude.zig");
const c = claude.c;
const check = claude.check;
const Error = claude.Error;
const Allocator = std.mem.Allocator;

/// A request of the CLI. Answer it now or later, on any thread; deinit refuses one that has no answer.
pub const Request = struct {
    handle: *c.claude_request_t,

    pub fn deinit(self: Request) void {
        c.claude_request_free(self.handle);
    }
    pub fn kind(self: Request) claude.RequestKind {
        return @enumFromInt(c.claude_request_kind(self.handle));
    }
    pub fn id(self: Request) u64 {
        return c.claude_request_id(self.handle);
    }
    pub fn isCancelled(self: Request) bool {
        return c.claude_request_is_cancelled(self.handle);
    }
    pub fn json(self: Request) [:0]const u8 {
        var len: usize = 0;
        const text = c.claude_request_json(self.handle, &len);
        return text[0..len :0];
    }
    pub fn get(self: Request, allocator: Allocator, pointer: [:0]const u8) !?[:0]u8 {
        return claude.jsonGet(allocator, self.json(), pointer);
    }
    pub fn allow(self: Request) Error!void {
        return check(c.claude_request_allow(self.handle, null, null, null));
    }
    /// The tool gets another input.
    pub fn allowInput(self: Request, allocator: Allocator, input: anytype) !void {
        const document = try claude.stringify(allocator, input);
        defer allocator.free(document);
        return check(c.claude_request_allow(self.handle, document, null, null));
    }
    /// The model reads why; `interrupt` ends the turn as well.
    pub fn deny(self: Request, why: [:0]const u8, interrupt: bool) Error!void {
        return check(c.claude_request_deny(self.handle, why, interrupt, null));
    }
    /// The payload of a success response, such as that of a hook.
    pub fn respond(self: Request, allocator: Allocator, payload: anytype) !void {
        const document = try claude.stringify(allocator, payload);
        defer allocator.free(document);
        return check(c.claude_request_respond(self.handle, document, null));
    }
    pub fn fail(self: Request, why: [:0]const u8) Error!void {
        return check(c.claude_request_fail(self.handle, why, null));
    }
    /// Permission for the tool AskUserQuestion: a list with a number, a text or a list of these for each question.
    pub fn answerQuestions(self: Request, allocator: Allocator, answers: anytype) !void {
        const document = try claude.stringify(allocator, answers);
        defer allocator.free(document);
        return check(c.claude_request_answer_questions(self.handle, document, null));
    }
    pub fn state(self: Request) claude.RequestState {
        return @enumFromInt(c.claude_request_state(self.handle));
    }
    /// In place of the option request_timeout_ms, counted from now. `action`: "deny", "error", or what the options say.
    pub fn setDeadline(self: Request, deadline_ms: u32, action: ?[:0]const u8) Error!void {
        return check(c.claude_request_set_deadline(self.handle, deadline_ms, claude.optional(action), null));
    }
};
