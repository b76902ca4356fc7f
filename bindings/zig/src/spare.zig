//! Started before it is known for what: docs/start-at-once.md.
const claude = @import("claude.zig");
const c = claude.c;
const check = claude.check;
const Client = claude.Client;
const Diagnostic = claude.Diagnostic;

/// A CLI that waits to become a session. Like a client, it is used by one thread at a time; what the CLI asks meanwhile is answered in
/// `wait`, in `serve` and in `claim`.
pub const Spare = struct {
    handle: *c.claude_spare_t,
    /// Until it is claimed.
    client: ?*Client,
    /// The operation of the start, until its end was told.
    parking: ?usize,

    /// Starts the CLI of a client on which everything is registered, and takes the client over. Does not wait. If it fails, the client
    /// stays yours.
    pub fn create(client: *Client, diagnostic: ?*Diagnostic) !Spare {
        const number = try client.begin();
        errdefer client.forget(number);
        var made: ?*c.claude_spare_t = null;
        try check(c.claude_spare_create(client.handle, null, @ptrFromInt(number), &made, Diagnostic.out(diagnostic)));
        return .{ .handle = made.?, .client = client, .parking = number };
    }

    /// Frees it, with its client unless that was claimed.
    pub fn deinit(self: *Spare) void {
        c.claude_spare_free(self.handle);
        if (self.client) |client| client.release();
        self.* = undefined;
    }

    /// Waits until the CLI is there; fails if it could not be started. A claim needs no such wait.
    pub fn wait(self: *Spare, timeout_ms: u32, diagnostic: ?*Diagnostic) !void {
        const client = self.client orelse return;
        const number = self.parking orelse return;
        client.allocator.free(try client.finish(number, timeout_ms, diagnostic));
        self.parking = null;
    }

    /// Answers what the CLI asks while it waits, for so long. An error such as error.Closed: it has ended, so make another one.
    pub fn serve(self: *Spare, timeout_ms: u32, diagnostic: ?*Diagnostic) !void {
        const client = self.client orelse return;
        return client.serve(timeout_ms, diagnostic);
    }

    /// Makes a session of it, with what is known only now, such as `.{ .cwd = folder }`, and gives the client back, which the caller
    /// destroys. error.InvalidOption: what is claimed cannot be used, and the spare still can. error.AlreadyConnected: it was claimed
    /// before. After any other error the client is gone and the prompt was not sent: connect another one. An empty prompt is none; read
    /// the answer to one by `next`, or use `ask` in its place.
    pub fn claim(self: *Spare, what: anytype, prompt: []const u8, timeout_ms: u32, diagnostic: ?*Diagnostic) !*Client {
        const client = self.client orelse {
            try self.begin(null, 0, diagnostic);
            unreachable; // it was claimed before
        };
        const allocator = client.allocator;
        const document = try claude.stringify(allocator, what);
        defer allocator.free(document);
        const number = try client.begin();
        self.begin(document, number, diagnostic) catch |err| {
            client.forget(number);
            return err;
        };
        self.client = null;
        errdefer client.destroy();
        allocator.free(try client.finish(number, timeout_ms, diagnostic));
        if (self.parking) |parked| client.forget(parked);
        if (prompt.len > 0) allocator.free(try client.query(prompt, diagnostic));
        return client;
    }

    /// Without the prompt: the library would send it too when the wait here is over already.
    fn begin(self: *Spare, document: ?[:0]const u8, number: usize, diagnostic: ?*Diagnostic) claude.Error!void {
        var same: ?*c.claude_client_t = null;
        return check(c.claude_spare_claim(self.handle, claude.optional(document), null, null, @ptrFromInt(number), &same, Diagnostic.out(diagnostic)));
    }
};
