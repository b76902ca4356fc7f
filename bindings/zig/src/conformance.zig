//! Holds the conversation of one case of ../conformance and prints what happened: conformance CASE.json
const std = @import("std");
const claude = @import("claude");
const stores = @import("conformance_store.zig");
const Value = std.json.Value;

var debug: std.heap.DebugAllocator(.{}) = .init;
const allocator = debug.allocator();
var printing: std.Thread.Mutex = .{};
const forever = claude.c.CLAUDE_WAIT_FOREVER;

fn line(comptime format: []const u8, arguments: anytype) void {
    const text = std.fmt.allocPrint(allocator, format ++ "\n", arguments) catch return;
    defer allocator.free(text);
    printing.lock();
    defer printing.unlock();
    std.fs.File.stdout().writeAll(text) catch {};
}

fn member(value: Value, name: []const u8) ?Value {
    return if (value == .object) value.object.get(name) else null;
}
fn string(value: Value, name: []const u8) []const u8 {
    const found = member(value, name) orelse return "";
    return if (found == .string) found.string else "";
}
fn number(value: Value, name: []const u8, otherwise: u32) u32 {
    const found = member(value, name) orelse return otherwise;
    return if (found == .integer) @intCast(found.integer) else otherwise;
}

const Run = struct {
    case: Value,
    client: ?*claude.Client = null,
    spare: ?claude.Spare = null,
    diagnostic: claude.Diagnostic = .{},
    later: ?std.Thread = null,
    host: stores.MemoryStore = undefined,
    store: ?claude.SessionStore = null,
    far_side: stores.FarSide = undefined,
    logged: std.atomic.Value(u32) = .init(0),

    fn steps(self: *Run) !void {
        for (member(self.case, "steps").?.array.items) |step|
            self.do(step) catch |err| try self.tell(err);
        if (self.later) |thread| thread.join();
        if (self.spare) |*spare| spare.deinit();
        if (self.client) |client| client.destroy();
        if (self.store) |store| {
            store.deinit();
            // When it returns, the library has called the host's deinit.
            claude.shutdown(30_000) catch |err| line("error {t}", .{err});
        }
        self.diagnostic.deinit();
    }

    fn do(self: *Run, step: Value) !void {
        if (member(step, "create")) |options| return self.create(options);
        if (member(step, "clients")) |_| return self.many(number(step, "clients", 0), string(step, "ask"));
        if (member(step, "session")) |_| return self.session(step);
        if (member(step, "store")) |_| return self.stored(step);
        if (member(step, "spare")) |_| return self.spared(string(step, "spare"));
        if (member(step, "claim")) |what| return self.claim(step, what);
        if (member(step, "log")) |_| return self.log(string(step, "log"));
        if (self.client == null) try self.create(member(self.case, "options") orelse .{ .object = .init(allocator) });
        const client = self.client.?;
        const time = number(step, "within_ms", forever);
        if (member(step, "connect") != null) {
            try client.connect(60_000, &self.diagnostic);
            line("connected", .{});
        } else if (member(step, "disconnect") != null) {
            try client.disconnect(60_000, &self.diagnostic);
            line("disconnected", .{});
        } else if (member(step, "ask") != null) {
            try self.ask(step, time);
        } else if (member(step, "query") != null) {
            allocator.free(try client.query(string(step, "query"), &self.diagnostic));
        } else if (member(step, "sleep") != null) {
            std.Thread.sleep(@as(u64, number(step, "sleep", 0)) * std.time.ns_per_ms);
        } else if (member(step, "interrupt") != null) {
            try client.interrupt(30_000, &self.diagnostic);
            line("interrupted", .{});
        } else if (member(step, "read") != null) {
            try self.read();
        } else if (member(step, "control")) |request| {
            allocator.free(try client.control(request, @min(time, 30_000), &self.diagnostic));
        } else if (member(step, "exit") != null) {
            std.process.exit(@intCast(number(step, "exit", 0)));
        }
    }

    fn create(self: *Run, options: Value) !void {
        if (self.client) |client| client.destroy();
        self.client = null;
        const client = try claude.Client.create(allocator, options, &self.diagnostic);
        self.client = client;
        if (member(self.case, "store")) |_| try client.setSessionStore(try self.sessionStore(), &self.diagnostic);
        if (member(self.case, "transport")) |how| {
            self.far_side = .{ .allocator = allocator, .refuses = std.mem.eql(u8, string(how, "do"), "refuse"), .answer = string(how, "answer") };
            try client.setTransport(&self.far_side, &self.diagnostic);
        }
        if (member(self.case, "permission")) |_| try client.onPermission(.{ .context = self, .function = decide });
        if (member(self.case, "hook")) |hook| {
            const event = try allocator.dupeZ(u8, string(hook, "event"));
            defer allocator.free(event);
            const matcher = try allocator.dupeZ(u8, string(hook, "matcher"));
            defer allocator.free(matcher);
            try client.hook(event, matcher, .{ .context = self, .function = hooked }, &self.diagnostic);
        }
        if (member(self.case, "tool")) |tool| {
            const server = try allocator.dupeZ(u8, string(tool, "server"));
            defer allocator.free(server);
            try client.tool(server, .{
                .name = string(tool, "name"),
                .description = string(tool, "description"),
                .inputSchema = member(tool, "schema").?,
            }, .{ .context = self, .function = greet }, &self.diagnostic);
        }
    }

    fn greet(context: ?*anyopaque, call: claude.ToolCall) !void {
        const self: *Run = @ptrCast(@alignCast(context));
        defer call.deinit();
        const arguments = try call.parse(struct { name: []const u8 }, allocator);
        defer arguments.deinit();
        line("tool {s} {s}", .{ call.name(), arguments.value.name });
        if (std.mem.eql(u8, string(member(self.case, "tool").?, "do"), "throw")) return error.TheHandlerFailed;
        const text = try std.fmt.allocPrintSentinel(allocator, "Hello, {s}!", .{arguments.value.name}, 0);
        defer allocator.free(text);
        try call.finish(text);
    }

    fn hooked(context: ?*anyopaque, asked: claude.Request) !void {
        const self: *Run = @ptrCast(@alignCast(context));
        defer asked.deinit();
        const tool = try asked.get(allocator, "/input/tool_name");
        defer if (tool) |name| allocator.free(name);
        line("hook {s}", .{tool orelse ""});
        try asked.respond(allocator, member(member(self.case, "hook").?, "response").?);
    }

    fn decide(context: ?*anyopaque, asked: claude.Request) !void {
        const self: *Run = @ptrCast(@alignCast(context));
        const how = member(self.case, "permission").?;
        const tool = try asked.get(allocator, "/tool_name");
        defer if (tool) |name| allocator.free(name);
        line("permission {s}", .{tool orelse ""});
        const what = string(how, "do");
        if (std.mem.eql(u8, what, "later")) {
            self.later = try std.Thread.spawn(.{}, answerLater, .{ how, asked });
            return;
        }
        defer asked.deinit();
        if (std.mem.eql(u8, what, "throw")) return error.TheHandlerFailed;
        if (std.mem.eql(u8, what, "allow")) return asked.allowInput(allocator, member(how, "input").?);
        const why = try allocator.dupeZ(u8, string(how, "message"));
        defer allocator.free(why);
        try asked.deny(why, false);
    }

    fn answerLater(how: Value, asked: claude.Request) void {
        defer asked.deinit();
        std.Thread.sleep(@as(u64, number(how, "after_ms", 0)) * std.time.ns_per_ms);
        line("answered later", .{});
        asked.allowInput(allocator, member(how, "input").?) catch |err| line("error {t}", .{err});
    }

    fn ask(self: *Run, step: Value, time: u32) !void {
        const leave_after = number(step, "leave_after", forever);
        const interrupt_after = number(step, "interrupt_after", forever);
        var answer = try self.client.?.ask(string(step, "ask"), time, &self.diagnostic);
        defer answer.deinit();
        var seen: u32 = 0;
        if (leave_after == 0) return line("left", .{});
        while (try answer.next(&self.diagnostic)) |event| {
            defer event.deinit();
            if (!try show(event, member(step, "quiet") != null)) continue;
            seen += 1;
            if (seen == leave_after) return line("left", .{});
            if (seen == interrupt_after) {
                try self.client.?.interrupt(30_000, &self.diagnostic);
                line("interrupted", .{});
            }
        }
    }

    fn read(self: *Run) !void {
        var messages: u32 = 0;
        while (true) {
            const event = try self.client.?.next(forever, &self.diagnostic);
            defer event.deinit();
            if (event.kind() == .result) return line("read {d} messages", .{messages});
            if (event.kind() == .assistant) messages += 1;
        }
    }

    fn spared(self: *Run, what: []const u8) !void {
        if (self.spare) |*old| old.deinit();
        self.spare = null;
        if (std.mem.eql(u8, what, "free")) return line("freed", .{});
        try self.create(member(self.case, "options") orelse .{ .object = .init(allocator) });
        self.spare = try claude.Spare.create(self.client.?, &self.diagnostic);
        self.client = null;
        try self.spare.?.wait(60_000, &self.diagnostic);
        line("parked", .{});
    }

    fn claim(self: *Run, step: Value, what: Value) !void {
        const prompt = string(step, "prompt");
        const client = try self.spare.?.claim(what, prompt, number(step, "within_ms", 30_000), &self.diagnostic);
        if (self.client) |old| old.destroy();
        self.client = client;
        line("claimed", .{});
        while (prompt.len > 0) {
            const event = try client.next(forever, &self.diagnostic);
            defer event.deinit();
            _ = try show(event, false);
            if (event.kind() == .result) return;
        }
    }

    fn many(self: *Run, count: usize, prompt: []const u8) !void {
        const clients = try allocator.alloc(*claude.Client, count);
        defer allocator.free(clients);
        for (clients) |*client| {
            client.* = try claude.Client.create(allocator, .{}, &self.diagnostic);
            try client.*.connect(60_000, &self.diagnostic);
        }
        var right: usize = 0;
        for (clients) |client| {
            defer client.destroy();
            var answer = try client.ask(prompt, forever, &self.diagnostic);
            defer answer.deinit();
            while (try answer.next(&self.diagnostic)) |event| {
                defer event.deinit();
                if (event.kind() != .result) continue;
                const text = try event.text(allocator);
                defer allocator.free(text);
                if (std.mem.eql(u8, text, prompt)) right += 1;
            }
        }
        line("{d} clients, {d} answers", .{ count, right });
    }

    fn session(self: *Run, step: Value) !void {
        const what = string(step, "session");
        const is = struct {
            fn is(word: []const u8, name: []const u8) bool {
                return std.mem.eql(u8, word, name);
            }
        }.is;
        const id = try allocator.dupeZ(u8, string(step, "id"));
        defer allocator.free(id);
        if (is(what, "list")) {
            const list = try claude.sessions.list(allocator, .{}, &self.diagnostic);
            defer allocator.free(list);
            try listSessions("session", list);
        } else if (is(what, "info")) {
            allocator.free(try claude.sessions.info(allocator, id, .{}, &self.diagnostic));
        } else if (is(what, "messages")) {
            const agent = try allocator.dupeZ(u8, string(step, "agent"));
            defer allocator.free(agent);
            if (agent.len == 0) return claude.sessions.messages(allocator, id, .{}, {}, said, &self.diagnostic);
            try claude.sessions.subagentMessages(allocator, id, agent, .{}, {}, said, &self.diagnostic);
        } else if (is(what, "subagents")) {
            const list = try claude.sessions.subagents(allocator, id, .{}, &self.diagnostic);
            defer allocator.free(list);
            const rows = try std.json.parseFromSlice([]struct { agent_id: []const u8 }, allocator, list, .{ .ignore_unknown_fields = true });
            defer rows.deinit();
            for (rows.value) |row| line("subagent {s}", .{row.agent_id});
        } else if (is(what, "rename")) {
            const title = try allocator.dupeZ(u8, string(step, "title"));
            defer allocator.free(title);
            try claude.sessions.rename(allocator, id, title, .{}, &self.diagnostic);
            line("renamed", .{});
        } else if (is(what, "tag")) {
            const tag = try allocator.dupeZ(u8, string(step, "tag"));
            defer allocator.free(tag);
            try claude.sessions.tag(allocator, id, tag, .{}, &self.diagnostic);
            line("tagged", .{});
        } else if (is(what, "archive")) {
            try claude.sessions.archive(allocator, id, true, .{}, &self.diagnostic);
            line("archived", .{});
        } else if (is(what, "fork")) {
            allocator.free(try claude.sessions.fork(allocator, id, .{}, &self.diagnostic));
            line("copied", .{});
        } else if (is(what, "key")) {
            const directory = try allocator.dupeZ(u8, string(step, "directory"));
            defer allocator.free(directory);
            const key = try claude.sessions.projectKey(allocator, directory, &self.diagnostic);
            defer allocator.free(key);
            line("key {s}", .{key});
        } else {
            try claude.sessions.delete(allocator, id, .{}, &self.diagnostic);
            line("deleted", .{});
        }
    }

    fn listSessions(word: []const u8, list: []const u8) !void {
        const Row = struct { summary: []const u8, tag: ?[]const u8 = null, archived: bool = false };
        const rows = try std.json.parseFromSlice([]Row, allocator, list, .{ .ignore_unknown_fields = true });
        defer rows.deinit();
        for (rows.value) |row|
            line("{s} {s}{s}{s}{s}", .{ word, row.summary, if (row.tag == null) "" else " tag ", row.tag orelse "", if (row.archived) " archived" else "" });
    }

    /// The store of the case, for all of its clients.
    fn sessionStore(self: *Run) !claude.SessionStore {
        if (self.store) |store| return store;
        const how = member(self.case, "store").?;
        const what = string(how, "do");
        self.host = .{ .allocator = allocator, .after_ms = number(how, "after_ms", 0), .fails = std.mem.eql(u8, what, "throw") };
        self.store = if (std.mem.eql(u8, what, "memory"))
            try claude.SessionStore.createMemory(&self.diagnostic)
        else
            try claude.SessionStore.create(&self.host, &self.diagnostic);
        return self.store.?;
    }

    fn stored(self: *Run, step: Value) !void {
        const store = try self.sessionStore();
        const what = string(step, "store");
        if (std.mem.eql(u8, what, "check")) {
            const report = try store.check(allocator, 60_000, &self.diagnostic);
            defer allocator.free(report);
            const count = try std.json.parseFromSlice(struct { passed: u32, failed: u32, skipped: u32 }, allocator, report, .{ .ignore_unknown_fields = true });
            defer count.deinit();
            line("checked: {d} passed, {d} failed, {d} skipped", count.value);
        } else if (std.mem.eql(u8, what, "list")) {
            const directory: ?[]const u8 = if (member(step, "directory")) |name| name.string else null;
            const list = try store.list(allocator, .{ .directory = directory }, 60_000, &self.diagnostic);
            defer allocator.free(list);
            try listSessions("stored", list);
        } else {
            const id = try allocator.dupeZ(u8, string(step, "id"));
            defer allocator.free(id);
            const result = try store.import(allocator, id, .{}, 60_000, &self.diagnostic);
            defer allocator.free(result);
            const entries = try claude.jsonGet(allocator, result, "/entries");
            defer if (entries) |count| allocator.free(count);
            line("imported {s}", .{entries orelse ""});
        }
    }

    fn log(self: *Run, level: []const u8) !void {
        if (!std.mem.eql(u8, level, "off")) return claude.runtime.onLog(.debug, self, heard, &self.diagnostic);
        try claude.runtime.noLog(&self.diagnostic);
        line("{s}", .{if (self.logged.load(.seq_cst) > 0) "logged" else "no log"});
    }
    fn heard(self: *Run, _: claude.LogLevel, _: [:0]const u8) void {
        _ = self.logged.fetchAdd(1, .seq_cst);
    }

    fn said(_: void, kind: claude.Kind, json: [:0]const u8) !void {
        const text = try claude.textOf(allocator, json);
        defer allocator.free(text);
        line("{s} {s}", .{ if (kind == .user) "user" else "assistant", text });
    }

    fn tell(self: *Run, err: anyerror) !void {
        if (err == error.Timeout) return line("cancelled", .{});
        if (err == error.TheHandlerFailed) return line("caught the handler failed", .{});
        var text: std.ArrayList(u8) = .empty;
        defer text.deinit(allocator);
        try text.print(allocator, "error {s}", .{claude.statusName(err)});
        if (member(self.case, "fields")) |fields| for (fields.array.items) |field| {
            const pointer = try std.fmt.allocPrintSentinel(allocator, "/{s}", .{field.string}, 0);
            defer allocator.free(pointer);
            const value = try self.diagnostic.get(allocator, pointer) orelse continue;
            defer allocator.free(value);
            try text.print(allocator, " {s}={s}", .{ field.string, std.mem.trimRight(u8, value, "\n") });
        };
        line("{s}", .{text.items});
        self.diagnostic.deinit();
    }
};

/// Whether it is a part of the answer.
fn show(event: claude.Event, quiet: bool) !bool {
    const text = try event.text(allocator);
    defer allocator.free(text);
    switch (event.kind()) {
        .text_delta => if (!quiet) line("delta {s}", .{text}),
        .assistant => {
            if (text.len == 0) return false;
            if (text.len < 1_000_000) line("assistant {s}", .{text}) else line("assistant of {d} MB", .{(text.len + 500_000) / 1_000_000});
        },
        .result => {
            const subtype = try event.get(allocator, "/subtype");
            defer if (subtype) |word| allocator.free(word);
            line("result {s}", .{subtype orelse ""});
            return false;
        },
        else => return false,
    }
    return true;
}

pub fn main() !void {
    const arguments = try std.process.argsAlloc(allocator);
    const file = try std.fs.cwd().readFileAlloc(allocator, arguments[1], 1 << 24);
    const case = try std.json.parseFromSlice(Value, allocator, file, .{});
    var run: Run = .{ .case = case.value };
    try run.steps();
    case.deinit();
    allocator.free(file);
    std.process.argsFree(allocator, arguments);
    if (debug.deinit() == .leak) std.process.exit(3); // it has told where
}
