//! For the runner: a session store in Zig alone, which waits before it answers, or fails, as a case says; and a far side.
const std = @import("std");
const claude = @import("claude");
const Allocator = std.mem.Allocator;

/// Keeps each append as it comes, and a summary for each session.
pub const MemoryStore = struct {
    allocator: Allocator,
    after_ms: u32,
    fails: bool,
    lock: std.Thread.Mutex = .{},
    /// By the key as it comes, which is the same each time.
    kept: std.StringArrayHashMapUnmanaged(Kept) = .empty,
    newest: i64 = 0,
    threads: std.ArrayList(std.Thread) = .empty,

    const Kept = struct {
        entries: std.ArrayList(u8) = .empty, // without the brackets
        mtime: i64 = 0,
        data: ?[]u8 = null, // of the summary
    };
    const Key = struct { project_key: []const u8, session_id: []const u8 = "", subpath: []const u8 = "" };
    const Function = *const fn (*MemoryStore, Allocator, claude.StoreCall, Key, [:0]const u8) anyerror!?[:0]const u8;

    /// Called by the library, when no call is under way any more.
    pub fn deinit(self: *MemoryStore) void {
        for (self.threads.items) |thread| thread.join();
        self.threads.deinit(self.allocator);
        for (self.kept.keys(), self.kept.values()) |key, *all| self.free(key, all);
        self.kept.deinit(self.allocator);
    }
    fn free(self: *MemoryStore, key: []const u8, all: *Kept) void {
        self.allocator.free(key);
        all.entries.deinit(self.allocator);
        if (all.data) |data| self.allocator.free(data);
    }

    pub fn append(self: *MemoryStore, call: claude.StoreCall, entries: [:0]const u8) !void {
        return self.ask(call, entries, appended);
    }
    pub fn load(self: *MemoryStore, call: claude.StoreCall) !void {
        return self.ask(call, "", loaded);
    }
    pub fn list(self: *MemoryStore, call: claude.StoreCall) !void {
        return self.ask(call, "", listed);
    }
    pub fn summaries(self: *MemoryStore, call: claude.StoreCall) !void {
        return self.ask(call, "", summarized);
    }
    pub fn remove(self: *MemoryStore, call: claude.StoreCall) !void {
        return self.ask(call, "", removed);
    }
    pub fn listSubkeys(self: *MemoryStore, call: claude.StoreCall) !void {
        return self.ask(call, "", subkeys);
    }

    fn ask(self: *MemoryStore, call: claude.StoreCall, entries: [:0]const u8, function: Function) !void {
        if (self.fails) return error.TheHandlerFailed;
        if (self.after_ms == 0) return self.answer(call, entries, function);
        const key = try self.allocator.dupeZ(u8, call.key);
        errdefer self.allocator.free(key);
        const copy = try self.allocator.dupeZ(u8, entries);
        errdefer self.allocator.free(copy);
        self.lock.lock();
        defer self.lock.unlock();
        try self.threads.ensureUnusedCapacity(self.allocator, 1);
        self.threads.appendAssumeCapacity(try std.Thread.spawn(.{}, later, .{ self, claude.StoreCall{ .handle = call.handle, .key = key }, copy, function }));
    }
    fn later(self: *MemoryStore, call: claude.StoreCall, entries: [:0]u8, function: Function) void {
        defer self.allocator.free(call.key);
        defer self.allocator.free(entries);
        std.Thread.sleep(@as(u64, self.after_ms) * std.time.ns_per_ms);
        self.answer(call, entries, function) catch |err| call.fail(err, @errorName(err)) catch {};
    }
    fn answer(self: *MemoryStore, call: claude.StoreCall, entries: [:0]const u8, function: Function) !void {
        var arena: std.heap.ArenaAllocator = .init(self.allocator);
        defer arena.deinit();
        const key = try std.json.parseFromSliceLeaky(Key, arena.allocator(), call.key, .{});
        self.lock.lock();
        defer self.lock.unlock();
        try call.respond(try function(self, arena.allocator(), call, key, entries));
    }

    fn appended(self: *MemoryStore, arena: Allocator, call: claude.StoreCall, key: Key, entries: [:0]const u8) !?[:0]const u8 {
        const place = try self.kept.getOrPut(self.allocator, call.key);
        if (!place.found_existing) {
            place.value_ptr.* = .{};
            place.key_ptr.* = try self.allocator.dupe(u8, call.key);
        }
        const all = place.value_ptr;
        const more = entries[1 .. entries.len - 1];
        if (all.entries.items.len > 0 and more.len > 0) try all.entries.append(self.allocator, ',');
        try all.entries.appendSlice(self.allocator, more);
        // Two appends within a millisecond are in their order all the same.
        self.newest = @max(std.time.milliTimestamp(), self.newest + 1);
        all.mtime = self.newest;
        if (key.subpath.len > 0) return null;
        const previous = if (all.data == null) null else try summary(arena, key.session_id, all.*);
        const folded = try claude.foldSummary(arena, previous, call.key, entries, null);
        const data = try claude.jsonGet(arena, folded, "/data");
        if (all.data) |old| self.allocator.free(old);
        all.data = null;
        all.data = try self.allocator.dupe(u8, data.?);
        return null;
    }
    fn summary(arena: Allocator, session_id: []const u8, all: Kept) ![:0]u8 {
        return claude.stringify(arena, .{ .session_id = session_id, .mtime = all.mtime, .data = claude.Json{ .text = all.data.? } });
    }

    fn loaded(self: *MemoryStore, arena: Allocator, call: claude.StoreCall, _: Key, _: [:0]const u8) !?[:0]const u8 {
        const all = self.kept.get(call.key) orelse return null;
        return try std.fmt.allocPrintSentinel(arena, "[{s}]", .{all.entries.items}, 0);
    }

    fn listed(self: *MemoryStore, arena: Allocator, _: claude.StoreCall, asked: Key, _: [:0]const u8) !?[:0]const u8 {
        const Row = struct { session_id: []const u8, mtime: i64 };
        var rows: std.ArrayList(Row) = .empty;
        for (self.kept.keys(), self.kept.values()) |text, all| {
            const key = try std.json.parseFromSliceLeaky(Key, arena, text, .{});
            if (ofProject(asked, key)) try rows.append(arena, .{ .session_id = key.session_id, .mtime = all.mtime });
        }
        return try claude.stringify(arena, rows.items);
    }
    fn summarized(self: *MemoryStore, arena: Allocator, _: claude.StoreCall, asked: Key, _: [:0]const u8) !?[:0]const u8 {
        var rows: std.ArrayList(claude.Json) = .empty;
        for (self.kept.keys(), self.kept.values()) |text, all| {
            const key = try std.json.parseFromSliceLeaky(Key, arena, text, .{});
            if (ofProject(asked, key)) try rows.append(arena, .{ .text = try summary(arena, key.session_id, all) });
        }
        return try claude.stringify(arena, rows.items);
    }
    fn ofProject(asked: Key, key: Key) bool {
        return std.mem.eql(u8, asked.project_key, key.project_key) and key.subpath.len == 0;
    }

    fn removed(self: *MemoryStore, arena: Allocator, call: claude.StoreCall, gone: Key, _: [:0]const u8) !?[:0]const u8 {
        var at = self.kept.count();
        while (at > 0) {
            at -= 1;
            const text = self.kept.keys()[at];
            const key = try std.json.parseFromSliceLeaky(Key, arena, text, .{});
            if (!std.mem.eql(u8, text, call.key) and !(gone.subpath.len == 0 and isOf(gone, key))) continue;
            var all = self.kept.values()[at];
            self.kept.swapRemoveAt(at);
            self.free(text, &all);
        }
        return null;
    }
    fn subkeys(self: *MemoryStore, arena: Allocator, _: claude.StoreCall, session: Key, _: [:0]const u8) !?[:0]const u8 {
        var subpaths: std.ArrayList([]const u8) = .empty;
        for (self.kept.keys()) |text| {
            const key = try std.json.parseFromSliceLeaky(Key, arena, text, .{});
            if (isOf(session, key) and key.subpath.len > 0) try subpaths.append(arena, key.subpath);
        }
        return try claude.stringify(arena, subpaths.items);
    }
    fn isOf(session: Key, key: Key) bool {
        return std.mem.eql(u8, session.project_key, key.project_key) and std.mem.eql(u8, session.session_id, key.session_id);
    }
};

/// Answers like a CLI, in the same process.
pub const FarSide = struct {
    allocator: Allocator,
    refuses: bool,
    answer: []const u8,
    sink: ?claude.Sink = null,

    pub fn connect(self: *FarSide, sink: claude.Sink) !void {
        self.sink = sink;
        if (self.refuses) return error.Process;
    }
    pub fn write(self: *FarSide, line: []const u8) !void {
        const frame = try std.json.parseFromSlice(struct { type: []const u8, request_id: []const u8 = "" }, self.allocator, line, .{ .ignore_unknown_fields = true });
        defer frame.deinit();
        if (!std.mem.eql(u8, frame.value.type, "user"))
            return self.say(.{ .type = "control_response", .response = .{ .subtype = "success", .request_id = frame.value.request_id, .response = claude.Json{ .text = "{}" } } });
        const said = [_]struct { type: []const u8, text: []const u8 }{.{ .type = "text", .text = self.answer }};
        try self.say(.{ .type = "assistant", .message = .{ .role = "assistant", .content = said } });
        try self.say(.{ .type = "result", .subtype = "success", .is_error = false, .result = "done" });
    }
    fn say(self: *FarSide, frame: anytype) !void {
        const text = try claude.stringify(self.allocator, frame);
        defer self.allocator.free(text);
        const line = try std.mem.concat(self.allocator, u8, &.{ text, "\n" });
        defer self.allocator.free(line);
        try self.sink.?.push(line);
    }
    pub fn endInput(self: *FarSide) !void {
        try self.sink.?.end(null, 0, null);
    }
    pub fn close(_: *FarSide) !void {}
};
