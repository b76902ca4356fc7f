// swift-tools-version:6.0
import PackageDescription

let package = Package(
    name: "claude-client",
    platforms: [.macOS(.v13)],
    products: [.library(name: "Claude", targets: ["Claude"])],
    targets: [
        .systemLibrary(name: "CClaude", pkgConfig: "claude-client"),
        .target(name: "Claude", dependencies: ["CClaude"]),
        .executableTarget(name: "conformance", dependencies: ["Claude"]),
        .testTarget(name: "ClaudeTests", dependencies: ["Claude"]),
    ]
)
