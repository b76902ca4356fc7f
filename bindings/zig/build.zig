const std = @import("std");

/// The module `claude` for programs, and the runner of ../conformance. The library is found by pkg-config, or is the static one that
/// -Dstatic=FOLDER/libclaude_client.a names, with its header in -Dinclude=FOLDER; so it links for another system as well.
pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const claude = b.addModule("claude", .{
        .root_source_file = b.path("src/claude.zig"),
        .target = target,
        .optimize = optimize,
        .link_libc = true,
    });
    if (b.option([]const u8, "static", "the static library to link")) |path| {
        claude.addObjectFile(.{ .cwd_relative = path });
        claude.linkSystemLibrary("unwind", .{});
    } else claude.linkSystemLibrary("claude-client", .{ .use_pkg_config = .force });
    if (b.option([]const u8, "include", "the folder of claude_client.h")) |path| claude.addIncludePath(.{ .cwd_relative = path });

    const conformance = b.addExecutable(.{
        .name = "conformance",
        .root_module = b.createModule(.{ .root_source_file = b.path("src/conformance.zig"), .target = target, .optimize = optimize }),
    });
    conformance.root_module.addImport("claude", claude);
    b.installArtifact(conformance);

    const tests = b.addRunArtifact(b.addTest(.{ .root_module = claude }));
    tests.has_side_effects = true; // they start the CLI that the environment names
    b.step("test", "what no conversation calls").dependOn(&tests.step);
}
