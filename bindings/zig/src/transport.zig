//! A CLI somewhere else: docs/remote.md. The library calls it on its own threads.
const std = @import("std");
const claude = @import("claude.zig");
const c = claude.c;
const check = claude.check;
const Error = claude.Error;

/// Where a transport puts what the CLI says.
pub const Sink = struct {
    handle: *c.claude_sink_t,

    /// Bytes, cut anywhere. error.WouldBlock: there is no room.
    pub fn push(self: Sink, bytes: []const u8) Error!void {
        return check(c.claude_sink_push(self.handle, bytes.ptr, bytes.len, null));
    }
    /// Whether to read on from the CLI.
    pub fn hasRoom(self: Sink) bool {
        return c.claude_sink_has_room(self.handle);
    }
    /// The CLI's output has ended, by itself or with a failure; an exit code of -1 is not known.
    pub fn end(self: Sink, failure: ?anyerror, exit_code: i32, message: ?[:0]const u8) Error!void {
        const status = if (failure) |err| statusOf(err) else c.CLAUDE_OK;
        return check(c.claude_sink_end(self.handle, status, exit_code, claude.optional(message), null));
    }
};

/// That of an error of the library, else that the connection is broken.
fn statusOf(err: anyerror) i32 {
    const status = claude.statusOf(err);
    return if (status == 1) c.CLAUDE_ERR_CLI_CONNECTION else status;
}

fn ended(outcome: anyerror!void) i32 {
    outcome catch |err| return statusOf(err);
    return c.CLAUDE_OK;
}

/// Takes a transport in place of a child process, before connecting. `far_side` points to a struct with
/// `connect(*T, Sink) !void`, which keeps the sink, `write(*T, []const u8) !void` with a line and its newline, `endInput(*T) !void`,
/// `close(*T) !void`, also called beside the others, and if need be `isReady(*T) !bool`, `onRoom(*T) void` and `deinit(*T) void`,
/// last of all. An error ends the session with its status.
pub fn set(client: *claude.Client, far_side: anytype, diagnostic: ?*claude.Diagnostic) Error!void {
    const T = @typeInfo(@TypeOf(far_side)).pointer.child;
    const Functions = struct {
        fn host(user_data: ?*anyopaque) *T {
            return @ptrCast(@alignCast(user_data));
        }
        fn connect(sink: ?*c.claude_sink_t, user_data: ?*anyopaque) callconv(.c) i32 {
            return ended(host(user_data).connect(.{ .handle = sink.? }));
        }
        fn write(bytes: ?*const anyopaque, len: usize, user_data: ?*anyopaque) callconv(.c) i32 {
            const text: [*]const u8 = @ptrCast(bytes.?);
            return ended(host(user_data).write(text[0..len]));
        }
        fn endInput(user_data: ?*anyopaque) callconv(.c) i32 {
            return ended(host(user_data).endInput());
        }
        fn close(user_data: ?*anyopaque) callconv(.c) i32 {
            return ended(host(user_data).close());
        }
        fn isReady(user_data: ?*anyopaque) callconv(.c) i32 {
            const ready = host(user_data).isReady() catch |err| return statusOf(err);
            return if (ready) c.CLAUDE_OK else c.CLAUDE_ERR_WOULD_BLOCK;
        }
        fn onRoom(user_data: ?*anyopaque) callconv(.c) void {
            host(user_data).onRoom();
        }
        fn destroy(user_data: ?*anyopaque) callconv(.c) void {
            host(user_data).deinit();
        }
    };
    var table = std.mem.zeroes(c.claude_transport_vtable_t);
    table.size = @sizeOf(c.claude_transport_vtable_t);
    table.connect = Functions.connect;
    table.write = Functions.write;
    table.end_input = Functions.endInput;
    table.close = Functions.close;
    if (@hasDecl(T, "isReady")) table.is_ready = Functions.isReady;
    if (@hasDecl(T, "onRoom")) table.on_room = Functions.onRoom;
    if (@hasDecl(T, "deinit")) table.destroy = Functions.destroy;
    return check(c.claude_client_set_transport(client.handle, &table, far_side, claude.Diagnostic.out(diagnostic)));
}
