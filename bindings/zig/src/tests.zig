//! What no conversation of ../conformance calls. The CLI is the stand-in that CLAUDE_CLIENT_CLI names.
const std = @import("std");
const claude = @import("claude.zig");
const testing = std.testing;
const allocator = testing.allocator;
const patience = 60 * std.time.ns_per_s;

fn created() !*claude.Client {
    return claude.Client.create(allocator, .{}, null);
}

fn refused(expected: anyerror, reply: anytype) !void {
    if (reply) |text| {
        allocator.free(text);
        return error.TestUnexpectedResult;
    } else |err| try testing.expectEqual(expected, err);
}

test "every operation of a client that is not connected says so" {
    const client = try created();
    defer client.destroy();
    const err = error.NotConnected;
    try refused(err, client.interruptWith(true, 100, .none, 1000, null));
    try refused(err, client.setPermissionMode("plan", 1000, null));
    try refused(err, client.setModel(null, 1000, null));
    try refused(err, client.rewindFiles("00000000-0000-4000-8000-000000000000", true, 1000, null));
    try refused(err, client.getMcpStatus(1000, null));
    try refused(err, client.reconnectMcpServer("s", 1000, null));
    try refused(err, client.toggleMcpServer("s", true, 1000, null));
    try refused(err, client.setMcpServers(.{}, 1000, null));
    try refused(err, client.stopTask("t", 1000, null));
    try refused(err, client.getContextUsage(null, 1000, null));
    try refused(err, client.cancelPrompt("00000000-0000-4000-8000-000000000000", 1000, null));
    try refused(err, client.reinitialize(1000, null));
    try refused(err, client.control(.{ .subtype = "get_settings" }, 1000, null));
    try refused(err, client.serverInfo(allocator, null));
    try refused(err, client.send(.{ .type = "user", .message = .{ .role = "user", .content = "x" } }, null));
    try testing.expectError(err, client.askMessage(.{ .type = "user", .message = .{ .role = "user", .content = "x" } }, 1000, null));
    try testing.expectError(err, client.endInput(null));
    try testing.expectError(err, client.endInputAfterRun(null));
    try testing.expectEqual(0, client.pid());
    try testing.expectEqual(.created, client.state());
}

test "operations have their replies, and what waits is counted" {
    const client = try created();
    defer client.destroy();
    try client.wantStderr();
    var woken = std.atomic.Value(u32).init(0);
    try client.onReady(&woken, struct {
        fn ready(count: *std.atomic.Value(u32)) void {
            _ = count.fetchAdd(1, .seq_cst);
        }
    }.ready, null);
    try testing.expect(try client.readyHandle(claude.c.CLAUDE_LANE_ALL, null) >= 0);
    try client.connect(60_000, null);
    const status = try client.getMcpStatus(60_000, null);
    defer allocator.free(status);
    try testing.expect(std.mem.indexOf(u8, status, "mcpServers") != null);
    const info = try client.serverInfo(allocator, null);
    defer allocator.free(info);
    const stats = try client.stats(allocator, null);
    defer allocator.free(stats);
    try testing.expect(client.pid() > 0 and info.len > 2 and stats.len > 2);
    var answer = try client.askMessage(.{ .type = "user", .message = .{ .role = "user", .content = "Hello!" } }, 60_000, null);
    defer answer.deinit();
    var waits = try client.pending(null);
    while (waits.events == 0) waits = try client.pending(null); // no limit: the runner of this has one
    try testing.expect(waits.bytes > 0 and woken.load(.seq_cst) > 0);
    while (try answer.next(null)) |event| event.deinit();
}

/// Leaves it open, and answers it by its number.
const Elsewhere = struct {
    client: *claude.Client,

    fn decide(context: ?*anyopaque, asked: claude.Request) !void {
        const self: *Elsewhere = @ptrCast(@alignCast(context));
        defer asked.deinit();
        try testing.expectEqual(.open, asked.state());
        try asked.setDeadline(60_000, "deny");
        const open = try self.client.pendingRequests(allocator, null);
        defer allocator.free(open);
        try testing.expect(open.len > 2);
        const other = try self.client.takeRequest(asked.id(), null);
        defer other.deinit();
        try other.deny("from elsewhere", false);
        try testing.expectError(error.NotFound, self.client.takeRequest(asked.id(), null));
        asked.answerQuestions(allocator, .{0}) catch {}; // too late, whatever it was
    }
};

test "a request is answered by another handle, an MCP server of the host is asked" {
    const script =
        \\{"on_user": ["init", {"ask": {"subtype": "can_use_tool", "tool_name": "Write", "input": {"file_path": "a"}}, "id": "p"}, "result"]}
    ;
    const client = try claude.Client.create(allocator, .{ .env = .{ .FAKE_CLAUDE = script } }, null);
    defer client.destroy();
    var elsewhere: Elsewhere = .{ .client = client };
    try client.onPermission(.{ .context = &elsewhere, .function = Elsewhere.decide });
    try client.onRequest(.{ .function = Elsewhere.decide });
    try client.declareDialog("plan", null);
    try client.mcpHandler("raw", .{ .function = Elsewhere.decide }, null);
    try client.connect(60_000, null);
    var answer = try client.ask("Write.", 60_000, null);
    defer answer.deinit();
    var told = false;
    while (try answer.next(null)) |event| {
        defer event.deinit();
        if (std.mem.indexOf(u8, event.json(), "from elsewhere") != null) told = true;
    }
    try testing.expect(told);
}

fn described(_: ?*anyopaque, call: claude.ToolCall) !void {
    defer call.deinit();
    try testing.expect(call.id() > 0 and call.json().len > 0);
    try call.addBlock(allocator, .{ .type = "text", .text = "a block" });
    try call.setStructured(allocator, .{ .number = 3 });
    try call.setMeta(allocator, .{ .from = "zig" });
    try call.finish("done");
}

test "a server's tool answers with blocks" {
    const script =
        \\{"on_user": ["init", {"ask": {"subtype": "mcp_message", "server_name": "me", "message": {"jsonrpc": "2.0", "id": 7,
        \\  "method": "tools/call", "params": {"name": "show", "arguments": {}}}}, "exact": true, "id": "p"}, "result"]}
    ;
    var server = try claude.ToolServer.create(allocator, "me", .{}, null);
    defer server.deinit();
    try server.add(.{ .name = "show", .description = "Shows." }, .{ .function = described }, null);
    try server.add(.{ .name = "gone", .description = "Goes." }, .{ .function = described }, null);
    try server.remove("gone", null);
    try testing.expectError(error.InvalidArgument, server.remove("gone", null));
    const client = try claude.Client.create(allocator, .{ .env = .{ .FAKE_CLAUDE = script } }, null);
    defer client.destroy();
    try client.addServer(&server, null);
    try client.connect(60_000, null);
    var answer = try client.ask("Show.", 60_000, null);
    defer answer.deinit();
    var told = false;
    while (try answer.next(null)) |event| {
        defer event.deinit();
        const text = try event.text(allocator);
        defer allocator.free(text);
        if (event.kind() == .assistant) told = std.mem.indexOf(u8, text, "a block") != null and
            std.mem.indexOf(u8, text, "\"number\":3") != null and std.mem.indexOf(u8, text, "\"from\":\"zig\"") != null;
    }
    try testing.expect(told);
}

/// Has what a store must have, and a list, which does what the test says.
const Strange = struct {
    failure: anyerror,
    answers: bool = false,
    gone: std.Thread.ResetEvent = .{},

    pub fn append(_: *Strange, call: claude.StoreCall, _: [:0]const u8) !void {
        try call.respond(null);
    }
    pub fn load(_: *Strange, call: claude.StoreCall) !void {
        try call.respond(null);
    }
    pub fn list(self: *Strange, call: claude.StoreCall) !void {
        if (self.answers) try call.respond("[]");
        return self.failure;
    }
    pub fn deinit(self: *Strange) void {
        self.gone.set();
    }
};

test "an error of a store is told with its status, once" {
    for ([_]struct { Strange, anyerror }{
        .{ .{ .failure = error.NoDisk }, error.File },
        .{ .{ .failure = error.SessionInUse }, error.SessionInUse },
    }) |each| {
        var host, const expected = each;
        const store = try claude.SessionStore.create(&host, null);
        var diagnostic: claude.Diagnostic = .{};
        defer diagnostic.deinit();
        try refused(expected, store.list(allocator, .{}, 60_000, &diagnostic));
        try testing.expect(std.mem.indexOf(u8, diagnostic.message(), @errorName(host.failure)) != null);
        store.deinit();
        try host.gone.timedWait(patience);
    }
    var host: Strange = .{ .failure = error.TooLate, .answers = true };
    const store = try claude.SessionStore.create(&host, null);
    defer {
        store.deinit();
        host.gone.timedWait(patience) catch {};
    }
    const list = try store.list(allocator, .{}, 60_000, null);
    defer allocator.free(list);
    try testing.expectEqualStrings("[]", list);
    try refused(error.InvalidArgument, store.import(allocator, "no uuid", .{}, 1000, null));
}

test "a client keeps its store" {
    var host: Strange = .{ .failure = error.NoDisk };
    const client = try created();
    const store = try claude.SessionStore.create(&host, null);
    try client.setSessionStore(store, null);
    store.deinit();
    try client.connect(60_000, null);
    try testing.expect(!host.gone.isSet());
    client.destroy();
    try host.gone.timedWait(patience);
}

test "a spare gives its client back, once" {
    var diagnostic: claude.Diagnostic = .{};
    defer diagnostic.deinit();
    const client = try created();
    var spare = try claude.Spare.create(client, null);
    defer spare.deinit();
    try spare.wait(60_000, null);
    try spare.wait(0, null); // it has been told
    try spare.serve(10, &diagnostic);
    try testing.expectEqual(null, diagnostic.document);
    try testing.expectEqual(.connecting, client.state());
    try testing.expectError(error.InvalidOption, spare.claim(.{ .max_turn = 3 }, "", 60_000, &diagnostic));
    try testing.expectEqual(client, try spare.claim(.{ .cwd = "/" }, "", 60_000, &diagnostic));
    defer client.destroy();
    try testing.expectError(error.AlreadyConnected, spare.claim(.{}, "", 60_000, &diagnostic));
    try spare.wait(60_000, null);
    var answer = try client.ask("Hello!", 60_000, null);
    defer answer.deinit();
    var told: u32 = 0;
    while (try answer.next(null)) |event| {
        defer event.deinit();
        if (event.kind() == .assistant) told += 1;
    }
    try testing.expectEqual(1, told);
    try testing.expectError(error.AlreadyConnected, claude.Spare.create(client, null));
}

test "a spare that is not claimed goes with its client, whatever it was doing" {
    for ([_][]const u8{ "{}", "{\"on_initialize\": []}", "{\"on_start\": [{\"exit\": 3}]}" }, 0..) |script, number| {
        const client = try claude.Client.create(allocator, .{ .env = .{ .FAKE_CLAUDE = script } }, null);
        var spare = claude.Spare.create(client, null) catch |err| {
            client.destroy();
            return err;
        };
        defer spare.deinit();
        switch (number) {
            0 => try spare.wait(60_000, null),
            1 => try testing.expectError(error.Timeout, spare.wait(1, null)),
            else => {
                for (0..2) |_| try testing.expectError(error.Process, spare.wait(60_000, null));
                try testing.expectError(error.Closed, spare.serve(60_000, null));
            },
        }
    }
}

fn counted(context: ?*anyopaque, asked: claude.Request) !void {
    defer asked.deinit();
    const count: *u32 = @ptrCast(@alignCast(context));
    count.* += 1;
    try asked.respond(allocator, .{});
}

test "a spare answers while it waits" {
    const script =
        \\{"on_initialize": ["default", {"ask": "hook_callback", "wait": false, "id": "h"}]}
    ;
    var asked: u32 = 0;
    const client = try claude.Client.create(allocator, .{ .env = .{ .FAKE_CLAUDE = script } }, null);
    client.hook("PreToolUse", null, .{ .context = &asked, .function = counted }, null) catch |err| {
        client.destroy();
        return err;
    };
    var spare = try claude.Spare.create(client, null);
    defer spare.deinit();
    while (asked == 0) try spare.serve(10, null);
    const claimed = try spare.claim(.{}, "", 60_000, null);
    claimed.destroy();
}

test "one prompt, one answer" {
    const result = try claude.queryOnce(allocator, "Hello!", .{}, 60_000, null);
    defer allocator.free(result);
    const text = try claude.textOf(allocator, result);
    defer allocator.free(text);
    try testing.expectEqualStrings("Hello!", text);
}

test "the library describes itself, and nothing is left" {
    try testing.expectEqual(claude.c.CLAUDE_ABI_VERSION, claude.runtime.abiVersion());
    try testing.expect(std.mem.indexOf(u8, claude.runtime.buildInfo(), claude.runtime.version()) != null);
    const report = try claude.runtime.probe(allocator, .{}, 60_000, null);
    defer allocator.free(report);
    try testing.expect(std.mem.indexOf(u8, report, "findings") != null);
    try testing.expectError(error.AlreadyConnected, claude.runtime.configure(.{}, null));
    try claude.shutdown(60_000);
    try claude.runtime.configure(.{ .thread_name = "zig" }, null);
    const left = try claude.runtime.stats(allocator, null);
    defer allocator.free(left);
    for ([_][:0]const u8{ "/clients", "/spares", "/errors", "/strings", "/events", "/requests", "/mcp_servers", "/tool_calls", "/session_stores", "/store_calls", "/threads", "/children" }) |kind| {
        const count = try claude.jsonGet(allocator, left, kind);
        defer allocator.free(count.?);
        try testing.expectEqualStrings("0", count.?);
    }
}
