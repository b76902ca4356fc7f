//! Tools that are functions of the host.
const std = @import("std");
const claude = @import("claude.zig");
const c = claude.c;
const check = claude.check;
const Error = claude.Error;
const Allocator = std.mem.Allocator;

/// One use of a tool. Answer it now or later, on any thread; deinit fails one that has no answer.
pub const ToolCall = struct {
    handle: *c.claude_tool_call_t,

    pub fn deinit(self: ToolCall) void {
        c.claude_tool_call_free(self.handle);
    }
    pub fn name(self: ToolCall) [:0]const u8 {
        var len: usize = 0;
        const text = c.claude_tool_call_name(self.handle, &len);
        return text[0..len :0];
    }
    pub fn arguments(self: ToolCall) [:0]const u8 {
        var len: usize = 0;
        const text = c.claude_tool_call_arguments(self.handle, &len);
        return text[0..len :0];
    }
    pub fn parse(self: ToolCall, comptime T: type, allocator: Allocator) !std.json.Parsed(T) {
        return std.json.parseFromSlice(T, allocator, self.arguments(), .{ .ignore_unknown_fields = true });
    }
    pub fn isCancelled(self: ToolCall) bool {
        return c.claude_tool_call_is_cancelled(self.handle);
    }
    pub fn progress(self: ToolCall, done: f64, total: f64, message: ?[:0]const u8) Error!void {
        return check(c.claude_tool_call_progress(self.handle, done, total, if (message) |text| text.ptr else null, null));
    }
    pub fn addText(self: ToolCall, text: [:0]const u8) Error!void {
        return check(c.claude_tool_call_add_text(self.handle, text, null));
    }
    pub fn addImage(self: ToolCall, file: []const u8, mime_type: [:0]const u8) Error!void {
        return check(c.claude_tool_call_add_image(self.handle, file.ptr, file.len, mime_type, null));
    }
    pub fn finish(self: ToolCall, text: [:0]const u8) Error!void {
        return check(c.claude_tool_call_finish(self.handle, text, null));
    }
    pub fn fail(self: ToolCall, why: [:0]const u8) Error!void {
        return check(c.claude_tool_call_fail(self.handle, why, null));
    }
    /// Any other content block of MCP.
    pub fn addBlock(self: ToolCall, allocator: Allocator, block: anytype) !void {
        const document = try claude.stringify(allocator, block);
        defer allocator.free(document);
        return check(c.claude_tool_call_add_block(self.handle, document, null));
    }
    /// The structuredContent of the result.
    pub fn setStructured(self: ToolCall, allocator: Allocator, content: anytype) !void {
        const document = try claude.stringify(allocator, content);
        defer allocator.free(document);
        return check(c.claude_tool_call_set_structured(self.handle, document, null));
    }
    /// The _meta of the result.
    pub fn setMeta(self: ToolCall, allocator: Allocator, meta: anytype) !void {
        const document = try claude.stringify(allocator, meta);
        defer allocator.free(document);
        return check(c.claude_tool_call_set_meta(self.handle, document, null));
    }
    pub fn id(self: ToolCall) u64 {
        return c.claude_tool_call_id(self.handle);
    }
    /// All of it.
    pub fn json(self: ToolCall) [:0]const u8 {
        var len: usize = 0;
        const text = c.claude_tool_call_json(self.handle, &len);
        return text[0..len :0];
    }
};

/// A function of yours with what it needs. It owns what it is given.
pub fn Handler(comptime Asked: type) type {
    return struct {
        context: ?*anyopaque = null,
        function: *const fn (context: ?*anyopaque, asked: Asked) anyerror!void,
    };
}
pub const RequestHandler = Handler(claude.Request);
pub const ToolHandler = Handler(ToolCall);

/// What a handler is called by: its address is the user_data.
pub const Named = union(enum) { request: RequestHandler, tool: ToolHandler };

/// Tools of yours, for one client or several. The model sees them as `mcp__<server>__<tool>`. It outlives its clients.
pub const ToolServer = struct {
    handle: *c.claude_mcp_server_t,
    allocator: Allocator,
    handlers: std.ArrayList(*Named) = .empty,

    pub fn create(allocator: Allocator, name: [:0]const u8, options: anytype, diagnostic: ?*claude.Diagnostic) !ToolServer {
        const document = try claude.stringify(allocator, options);
        defer allocator.free(document);
        var made: ?*c.claude_mcp_server_t = null;
        try check(c.claude_mcp_server_create(name, document, &made, claude.Diagnostic.out(diagnostic)));
        return .{ .handle = made.?, .allocator = allocator };
    }
    pub fn deinit(self: *ToolServer) void {
        c.claude_mcp_server_free(self.handle);
        for (self.handlers.items) |handler| self.allocator.destroy(handler);
        self.handlers.deinit(self.allocator);
    }
    /// `description` is that of MCP, as a value for JSON. CLIs that are connected hear of it.
    pub fn add(self: *ToolServer, description: anytype, handler: ToolHandler, diagnostic: ?*claude.Diagnostic) !void {
        const document = try claude.stringify(self.allocator, description);
        defer self.allocator.free(document);
        try self.handlers.ensureUnusedCapacity(self.allocator, 1);
        const named = try self.allocator.create(Named);
        named.* = .{ .tool = handler };
        self.handlers.appendAssumeCapacity(named);
        return check(c.claude_mcp_server_add_tool(self.handle, document, null, named, null, claude.Diagnostic.out(diagnostic)));
    }
    pub fn remove(self: *ToolServer, name: [:0]const u8, diagnostic: ?*claude.Diagnostic) Error!void {
        return check(c.claude_mcp_server_remove_tool(self.handle, name, claude.Diagnostic.out(diagnostic)));
    }
};
