//! A conversation, and the answers in it.
const std = @import("std");
const claude = @import("claude.zig");
const c = claude.c;
const check = claude.check;
const Error = claude.Error;
const Allocator = std.mem.Allocator;
const Diagnostic = claude.Diagnostic;
const Event = claude.Event;
const State = claude.State;
const operations = @import("operations.zig");
const tools = @import("tools.zig");
const Named = tools.Named;
const RequestHandler = tools.RequestHandler;
const ToolHandler = tools.ToolHandler;

const Operation = struct {
    over: bool = false,
    status: i32 = 0,
    json: []u8 = &.{},
    /// Nobody waits for it: it withdraws an answer that was left.
    withdraws: bool = false,
};

/// A conversation with one CLI.
pub const Client = struct {
    handle: *c.claude_client_t,
    allocator: Allocator,
    named: std.ArrayList(*Named) = .empty,
    operations: std.AutoHashMapUnmanaged(usize, *Operation) = .empty,
    last: usize = 0,
    permission: ?RequestHandler = null,
    request: ?RequestHandler = null,
    answering: bool = false,
    /// The prompt of an answer that was left before its end.
    abandoned: ?[:0]u8 = null,

    /// `options` is anything that std.json can write, or a Json. At a fixed place, since answers point to it.
    pub fn create(allocator: Allocator, options: anytype, diagnostic: ?*Diagnostic) !*Client {
        const given = try claude.stringify(allocator, options);
        defer allocator.free(given);
        // By turn_events an answer finds its end.
        const inner = std.mem.trim(u8, given, " \n\t{}");
        const all = try std.fmt.allocPrintSentinel(allocator, "{{\"turn_events\":true{s}{s}", .{
            if (inner.len == 0) "}" else ",", if (inner.len == 0) "" else given[std.mem.indexOfScalar(u8, given, '{').? + 1 ..],
        }, 0);
        defer allocator.free(all);
        var handle: ?*c.claude_client_t = null;
        try check(c.claude_client_create(all, &handle, Diagnostic.out(diagnostic)));
        errdefer c.claude_client_free(handle);
        try check(c.claude_client_set_dispatch(handle, c.CLAUDE_DISPATCH_PULL, Diagnostic.out(diagnostic)));
        const self = try allocator.create(Client);
        self.* = .{ .handle = handle.?, .allocator = allocator };
        return self;
    }

    /// Ends the session and frees everything. No thread may be in the client.
    pub fn destroy(self: *Client) void {
        c.claude_client_free(self.handle);
        self.release();
    }
    /// What is left when the library has freed it.
    pub fn release(self: *Client) void {
        for (self.named.items) |named| self.allocator.destroy(named);
        self.named.deinit(self.allocator);
        var begun = self.operations.valueIterator();
        while (begun.next()) |operation| self.drop(operation.*);
        self.operations.deinit(self.allocator);
        if (self.abandoned) |prompt| self.allocator.free(prompt);
        self.allocator.destroy(self);
    }

    /// Who decides about tools. Before connecting, like all that follow.
    pub fn onPermission(self: *Client, handler: RequestHandler) Error!void {
        self.permission = handler;
        return check(c.claude_client_on_permission(self.handle, null, null, null, null));
    }
    /// Who answers what has no handler of its own.
    pub fn onRequest(self: *Client, handler: RequestHandler) Error!void {
        self.request = handler;
        return check(c.claude_client_on_request(self.handle, null, null, null, null));
    }
    pub fn hook(self: *Client, event: [:0]const u8, matcher: ?[:0]const u8, handler: RequestHandler, diagnostic: ?*Diagnostic) !void {
        const number = try self.name(.{ .request = handler });
        const pattern: [*c]const u8 = if (matcher) |text| text.ptr else null;
        return check(c.claude_client_add_hook(self.handle, event, pattern, 0, c.CLAUDE_HOOK_CONTINUE, null, number, null, Diagnostic.out(diagnostic)));
    }
    /// A tool that the model sees as `mcp__<server>__<name>`; `description` is that of MCP, as a value for JSON.
    pub fn tool(self: *Client, server: [:0]const u8, description: anytype, handler: ToolHandler, diagnostic: ?*Diagnostic) !void {
        var made: ?*c.claude_mcp_server_t = null;
        try check(c.claude_mcp_server_create(server, null, &made, Diagnostic.out(diagnostic)));
        defer c.claude_mcp_server_free(made); // the client keeps it
        const document = try claude.stringify(self.allocator, description);
        defer self.allocator.free(document);
        const number = try self.name(.{ .tool = handler });
        try check(c.claude_mcp_server_add_tool(made, document, null, number, null, Diagnostic.out(diagnostic)));
        return check(c.claude_client_add_mcp_server(self.handle, made, Diagnostic.out(diagnostic)));
    }
    /// The tools of a server, which several clients may have.
    pub fn addServer(self: *Client, server: *tools.ToolServer, diagnostic: ?*Diagnostic) !void {
        return check(c.claude_client_add_mcp_server(self.handle, server.handle, Diagnostic.out(diagnostic)));
    }
    /// An MCP server that speaks JSON-RPC itself, answered by `respond`.
    pub fn mcpHandler(self: *Client, server: [:0]const u8, handler: RequestHandler, diagnostic: ?*Diagnostic) !void {
        const number = try self.name(.{ .request = handler });
        return check(c.claude_client_add_mcp_handler(self.handle, server, null, number, null, Diagnostic.out(diagnostic)));
    }
    /// The host can show this kind of dialog, which the handler of `onRequest` gets.
    pub fn declareDialog(self: *Client, dialog: [:0]const u8, diagnostic: ?*Diagnostic) Error!void {
        return check(c.claude_client_declare_dialog(self.handle, dialog, Diagnostic.out(diagnostic)));
    }
    /// Lines of stderr become events.
    pub fn wantStderr(self: *Client) Error!void {
        return check(c.claude_client_on_stderr(self.handle, null, null, null, null));
    }
    /// A CLI somewhere else: see transport.zig for what `far_side` points to.
    pub const setTransport = @import("transport.zig").set;
    /// Keeps the session in a store, and takes from there what the option `resume` names.
    pub fn setSessionStore(self: *Client, store: claude.SessionStore, diagnostic: ?*Diagnostic) Error!void {
        return check(c.claude_client_set_session_store(self.handle, store.handle, Diagnostic.out(diagnostic)));
    }
    fn name(self: *Client, handler: Named) !*Named {
        const named = try self.allocator.create(Named);
        errdefer self.allocator.destroy(named);
        named.* = handler;
        try self.named.append(self.allocator, named);
        return named;
    }

    pub fn connect(self: *Client, timeout_ms: u32, diagnostic: ?*Diagnostic) !void {
        const number = try self.begin();
        errdefer self.forget(number);
        try check(c.claude_client_connect(self.handle, null, null, @ptrFromInt(number), Diagnostic.out(diagnostic)));
        self.allocator.free(try self.finish(number, timeout_ms, diagnostic));
    }
    pub fn disconnect(self: *Client, timeout_ms: u32, diagnostic: ?*Diagnostic) !void {
        const number = try self.begin();
        errdefer self.forget(number);
        try check(c.claude_client_disconnect(self.handle, null, @ptrFromInt(number), Diagnostic.out(diagnostic)));
        self.allocator.free(try self.finish(number, timeout_ms, diagnostic));
    }
    pub fn interrupt(self: *Client, timeout_ms: u32, diagnostic: ?*Diagnostic) !void {
        const number = try self.begin();
        errdefer self.forget(number);
        try check(c.claude_client_interrupt(self.handle, null, @ptrFromInt(number), Diagnostic.out(diagnostic)));
        self.allocator.free(try self.finish(number, timeout_ms, diagnostic));
    }
    // Control requests: docs/control.md. Each gives the reply, which belongs to the allocator.
    pub const interruptWith = operations.interruptWith;
    pub const setPermissionMode = operations.setPermissionMode;
    pub const setModel = operations.setModel;
    pub const rewindFiles = operations.rewindFiles;
    pub const getMcpStatus = operations.getMcpStatus;
    pub const reconnectMcpServer = operations.reconnectMcpServer;
    pub const toggleMcpServer = operations.toggleMcpServer;
    pub const setMcpServers = operations.setMcpServers;
    pub const stopTask = operations.stopTask;
    pub const getContextUsage = operations.getContextUsage;
    pub const cancelPrompt = operations.cancelPrompt;
    pub const reinitialize = operations.reinitialize;
    /// Any of them, such as `.{ .subtype = "set_model", .model = "haiku" }`.
    pub const control = operations.control;

    pub fn state(self: *const Client) State {
        return @enumFromInt(c.claude_client_state(self.handle));
    }
    /// The process of the CLI; 0 while there is none.
    pub fn pid(self: *const Client) u64 {
        return c.claude_client_pid(self.handle);
    }
    /// The counters of docs/stats.md.
    pub fn stats(self: *const Client, allocator: Allocator, diagnostic: ?*Diagnostic) ![:0]u8 {
        var found: [*c]u8 = null;
        try check(c.claude_client_stats(self.handle, &found, Diagnostic.out(diagnostic)));
        return claude.take(allocator, found);
    }
    /// What the CLI said when it became ready.
    pub fn serverInfo(self: *const Client, allocator: Allocator, diagnostic: ?*Diagnostic) ![:0]u8 {
        var found: [*c]u8 = null;
        try check(c.claude_client_get_server_info(self.handle, &found, Diagnostic.out(diagnostic)));
        return claude.take(allocator, found);
    }
    pub const Queued = struct { events: usize = 0, bytes: usize = 0 };
    /// How much waits to be read.
    pub fn pending(self: *const Client, diagnostic: ?*Diagnostic) Error!Queued {
        var waits: Queued = .{};
        try check(c.claude_client_pending(self.handle, c.CLAUDE_LANE_ALL, &waits.events, &waits.bytes, Diagnostic.out(diagnostic)));
        return waits;
    }
    /// The open requests, oldest first.
    pub fn pendingRequests(self: *const Client, allocator: Allocator, diagnostic: ?*Diagnostic) ![:0]u8 {
        var found: [*c]u8 = null;
        try check(c.claude_client_pending_requests(self.handle, &found, Diagnostic.out(diagnostic)));
        return claude.take(allocator, found);
    }
    /// One of them; its first answer counts.
    pub fn takeRequest(self: *const Client, id: u64, diagnostic: ?*Diagnostic) Error!claude.Request {
        var taken: ?*c.claude_request_t = null;
        try check(c.claude_client_take_request(self.handle, id, &taken, Diagnostic.out(diagnostic)));
        return .{ .handle = taken.? };
    }
    /// Readable while something waits; never read or close it.
    pub fn readyHandle(self: *const Client, lanes: c.claude_lanes_t, diagnostic: ?*Diagnostic) Error!isize {
        var handle: isize = -1;
        try check(c.claude_client_ready_handle(self.handle, lanes, &handle, Diagnostic.out(diagnostic)));
        return handle;
    }
    /// Calls `function` on any thread when something waits: it may only poke an event loop. `context` is a pointer.
    pub fn onReady(self: *Client, context: anytype, comptime function: fn (@TypeOf(context)) void, diagnostic: ?*Diagnostic) Error!void {
        const Notice = struct {
            fn ready(user_data: ?*anyopaque) callconv(.c) void {
                function(@ptrCast(@alignCast(user_data)));
            }
        };
        return check(c.claude_client_on_ready(self.handle, Notice.ready, context, null, Diagnostic.out(diagnostic)));
    }
    /// Ends a wait of another thread: it gives error.Cancelled.
    pub fn wake(self: *const Client) Error!void {
        return check(c.claude_client_wake(self.handle, null));
    }

    /// Sends a prompt; its uuid belongs to the allocator.
    pub fn query(self: *Client, prompt: []const u8, diagnostic: ?*Diagnostic) ![:0]u8 {
        const text = try claude.zero(self.allocator, prompt);
        defer self.allocator.free(text);
        var uuid: [*c]u8 = null;
        try check(c.claude_client_query(self.handle, text, null, &uuid, Diagnostic.out(diagnostic)));
        return claude.take(self.allocator, uuid);
    }

    /// Sends a whole user message; its uuid belongs to the allocator.
    pub fn send(self: *Client, message: anytype, diagnostic: ?*Diagnostic) ![:0]u8 {
        const document = try claude.stringify(self.allocator, message);
        defer self.allocator.free(document);
        var uuid: [*c]u8 = null;
        try check(c.claude_client_send_json(self.handle, document, &uuid, Diagnostic.out(diagnostic)));
        return claude.take(self.allocator, uuid);
    }
    /// No more prompts will come: the CLI finishes its turns and exits.
    pub fn endInput(self: *Client, diagnostic: ?*Diagnostic) Error!void {
        return check(c.claude_client_end_input(self.handle, Diagnostic.out(diagnostic)));
    }
    /// The same once every prompt has its result and nothing goes on that may need the host.
    pub fn endInputAfterRun(self: *Client, diagnostic: ?*Diagnostic) Error!void {
        return check(c.claude_client_end_input_after_run(self.handle, Diagnostic.out(diagnostic)));
    }

    /// Sends a prompt; its answer gives the messages of its turn. One at a time. Waits for the end of one that was left.
    pub fn ask(self: *Client, prompt: []const u8, timeout_ms: u32, diagnostic: ?*Diagnostic) !Answer {
        const end = try self.readyToAsk(timeout_ms, diagnostic);
        return self.answerTo(try self.query(prompt, diagnostic), end);
    }

    /// The same for a whole user message: images, several blocks, `priority`.
    pub fn askMessage(self: *Client, message: anytype, timeout_ms: u32, diagnostic: ?*Diagnostic) !Answer {
        const end = try self.readyToAsk(timeout_ms, diagnostic);
        return self.answerTo(try self.send(message, diagnostic), end);
    }

    fn readyToAsk(self: *Client, timeout_ms: u32, diagnostic: ?*Diagnostic) !Deadline {
        if (self.answering) return error.InvalidArgument;
        const end = Deadline.in(timeout_ms);
        while (self.abandoned != null) if (try self.pull(c.CLAUDE_LANE_ALL, end, diagnostic)) |event| event.deinit();
        return end;
    }
    fn answerTo(self: *Client, uuid: [:0]u8, end: Deadline) Answer {
        self.answering = true;
        return .{ .client = self, .prompt = uuid, .end = end };
    }

    /// The next message. Behind the last: the cause of the end, or error.Closed.
    pub fn next(self: *Client, timeout_ms: u32, diagnostic: ?*Diagnostic) !Event {
        const end = Deadline.in(timeout_ms);
        while (true) if (try self.pull(c.CLAUDE_LANE_ALL, end, diagnostic)) |event| return event;
    }

    /// Answers what the CLI asks, for so long; messages stay where they are.
    pub fn serve(self: *Client, timeout_ms: u32, diagnostic: ?*Diagnostic) !void {
        const end = Deadline.in(timeout_ms);
        while (end.left() > 0) _ = self.pull(c.CLAUDE_LANE_REQUESTS, end, diagnostic) catch |err|
            if (err != error.Timeout or end.left() > 0) return err;
        if (diagnostic) |told| told.deinit(); // that the time is over
    }

    /// The next event of these lanes, or null when it was given to a handler.
    fn pull(self: *Client, lanes: c.claude_lanes_t, end: Deadline, diagnostic: ?*Diagnostic) !?Event {
        var handle: ?*c.claude_event_t = null;
        try check(c.claude_client_next(self.handle, lanes, end.left(), &handle, Diagnostic.out(diagnostic)));
        const event = Event.of(handle.?);
        if (try self.isForReader(event, diagnostic)) return event;
        event.deinit();
        return null;
    }

    fn isForReader(self: *Client, event: Event, diagnostic: ?*Diagnostic) !bool {
        errdefer event.deinit();
        switch (event.kind()) {
            .done => try self.settle(event),
            .request => {
                var taken: ?*c.claude_request_t = null;
                try check(c.claude_event_take_request(event.handle, &taken, null));
                const handler = self.handlerOf(event) orelse return self.refused(taken.?);
                try handler.function(handler.context, .{ .handle = taken.? });
            },
            .tool_call => {
                var taken: ?*c.claude_tool_call_t = null;
                try check(c.claude_event_take_tool_call(event.handle, &taken, null));
                const named: *Named = @ptrCast(@alignCast(event.info.user_data.?));
                try named.tool.function(named.tool.context, .{ .handle = taken.? });
            },
            .request_cancelled, .tool_call_cancelled => {},
            .closed => {
                self.forgetAbandoned();
                try Diagnostic.keep(diagnostic, self.allocator, event.json());
                try check(if (event.info.status == 0) c.CLAUDE_ERR_CLOSED else event.info.status);
            },
            else => {
                const prompt = self.abandoned orelse return true;
                if (try event.endsTurnOf(self.allocator, prompt)) self.forgetAbandoned();
            },
        }
        return false;
    }

    fn refused(_: *Client, taken: *c.claude_request_t) bool {
        c.claude_request_free(taken);
        return false;
    }
    fn handlerOf(self: *Client, event: Event) ?RequestHandler {
        if (event.info.user_data) |number| {
            const named: *Named = @ptrCast(@alignCast(number));
            return named.request;
        }
        if (event.info.request_kind == c.CLAUDE_REQUEST_PERMISSION) if (self.permission) |handler| return handler;
        return self.request;
    }
    fn forgetAbandoned(self: *Client) void {
        if (self.abandoned) |prompt| self.allocator.free(prompt);
        self.abandoned = null;
    }

    pub fn begin(self: *Client) !usize {
        const operation = try self.allocator.create(Operation);
        errdefer self.allocator.destroy(operation);
        operation.* = .{};
        self.last += 1;
        try self.operations.put(self.allocator, self.last, operation);
        return self.last;
    }
    pub fn forget(self: *Client, number: usize) void {
        if (self.operations.fetchRemove(number)) |entry| self.drop(entry.value);
    }
    fn drop(self: *Client, operation: *Operation) void {
        self.allocator.free(operation.json);
        self.allocator.destroy(operation);
    }
    fn settle(self: *Client, event: Event) !void {
        const number = @intFromPtr(event.info.user_data);
        const operation = self.operations.get(number) orelse return;
        operation.over = true;
        operation.status = event.info.status;
        operation.json = try self.allocator.dupe(u8, event.json());
        if (operation.withdraws) {
            if (try event.is(self.allocator, "/cancelled", "true")) self.forgetAbandoned();
            self.forget(number);
        }
    }
    /// The end of an operation; meanwhile requests are answered, and messages stay where they are.
    pub fn finish(self: *Client, number: usize, timeout_ms: u32, diagnostic: ?*Diagnostic) ![]u8 {
        const end = Deadline.in(timeout_ms);
        const operation = self.operations.get(number).?;
        while (!operation.over) std.debug.assert(try self.pull(c.CLAUDE_LANE_REQUESTS, end, diagnostic) == null);
        if (operation.status != 0) try Diagnostic.keep(diagnostic, self.allocator, operation.json);
        try check(operation.status);
        const reply = operation.json;
        operation.json = &.{};
        self.forget(number);
        return reply;
    }
};

/// The messages up to the end of the turn that answers a prompt. `deinit` before that end interrupts the turn, without waiting, and
/// nothing of it reaches the next answer.
pub const Answer = struct {
    client: *Client,
    prompt: [:0]u8,
    end: Deadline,
    over: bool = false,

    /// The next message, which the caller deinits; null at the end.
    pub fn next(self: *Answer, diagnostic: ?*Diagnostic) !?Event {
        const client = self.client;
        while (!self.over) {
            const event = try client.pull(c.CLAUDE_LANE_ALL, self.end, diagnostic) orelse continue;
            errdefer event.deinit();
            if (try event.endsTurnOf(client.allocator, self.prompt)) {
                self.over = true;
            } else if (event.kind() != .command_lifecycle or try event.is(client.allocator, "/command_uuid", self.prompt)) {
                return event;
            }
            event.deinit(); // what becomes of other prompts is no part of this answer
        }
        return null;
    }

    pub fn deinit(self: *Answer) void {
        const client = self.client;
        client.answering = false;
        if (self.over) return client.allocator.free(self.prompt);
        self.over = true;
        client.forgetAbandoned();
        client.abandoned = self.prompt;
        // One of the two has an effect: the prompt waits, or its turn runs.
        if (client.begin()) |number| {
            client.operations.get(number).?.withdraws = true;
            if (c.claude_client_cancel_prompt(client.handle, self.prompt, null, @ptrFromInt(number), null) != 0) client.forget(number);
        } else |_| {} // without memory it only takes longer
        _ = c.claude_client_interrupt(client.handle, null, null, null);
    }
};

const Deadline = struct {
    at: ?i64,

    fn in(timeout_ms: u32) Deadline {
        return .{ .at = if (timeout_ms == c.CLAUDE_WAIT_FOREVER) null else std.time.milliTimestamp() + timeout_ms };
    }
    fn left(self: Deadline) u32 {
        const at = self.at orelse return c.CLAUDE_WAIT_FOREVER;
        return @intCast(@max(0, @min(at - std.time.milliTimestamp(), c.CLAUDE_WAIT_FOREVER - 1)));
    }
};

/// One prompt, one answer: the result, as JSON. It waits until the CLI has ended; what the CLI asks is refused.
pub fn queryOnce(allocator: Allocator, prompt: []const u8, options: anytype, timeout_ms: u32, diagnostic: ?*Diagnostic) ![:0]u8 {
    const text = try claude.zero(allocator, prompt);
    defer allocator.free(text);
    const document = try claude.stringify(allocator, options);
    defer allocator.free(document);
    var found: [*c]u8 = null;
    try check(c.claude_query_once(text, document, null, null, null, timeout_ms, &found, Diagnostic.out(diagnostic)));
    return claude.take(allocator, found);
}
