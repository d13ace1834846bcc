// swift-tools-version: 6.2
import PackageDescription

/// Swift 6 language mode throughout; a warning in our own code is an error.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .unsafeFlags(["-warnings-as-errors"]),
]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOWebSocket", package: "swift-nio"),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "martlet",
    dependencies: [
        // Structured log calls; the handler that writes the lines is ours (Shared/Runtime).
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        // Commands, options and help of the tool (martlet only).
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        // HTTP/1.1 and WebSocket on one port (gateway only).
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        // SQLite: migrations, statements, pooled readers (services only).
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // libzmq's header, for Shared/ZeroMQ alone.
        .systemLibrary(name: "CZeroMQ", path: "Sources/Shared/CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        // The bus and everything two processes must agree on.
        .target(
            name: "Shared", dependencies: ["CZeroMQ", logging], path: "Sources/Shared",
            exclude: ["CZeroMQ", "COpenSSL", "Crypto", "Storage"], swiftSettings: strict),
        // libcrypto's headers, for SharedCrypto alone.
        .systemLibrary(name: "COpenSSL", path: "Sources/Shared/COpenSSL", providers: [.apt(["libssl-dev"])]),
        // Signatures, access tokens, password hashes, over OpenSSL's libcrypto.
        .target(
            name: "SharedCrypto", dependencies: ["COpenSSL"], path: "Sources/Shared/Crypto", swiftSettings: strict),
        // A service's database: group commit, event log, outbox; the only shared code that knows GRDB.
        .target(
            name: "SharedStorage", dependencies: ["Shared", grdb, sqlite, logging], path: "Sources/Shared/Storage",
            swiftSettings: strict),

        // Accounts, sessions, keys.
        .target(
            name: "AuthService", dependencies: ["Shared", "SharedCrypto", "SharedStorage", grdb, logging],
            path: "Sources/auth-svc/AuthService", swiftSettings: strict),
        .executableTarget(
            name: "auth-svc", dependencies: ["AuthService", "Shared"], path: "Sources/auth-svc",
            exclude: ["AuthService"], swiftSettings: strict),

        // Friends and groups.
        .target(
            name: "SocialService", dependencies: ["Shared", "SharedStorage", grdb, logging],
            path: "Sources/social-svc/SocialService", swiftSettings: strict),
        .executableTarget(
            name: "social-svc", dependencies: ["SocialService", "Shared"], path: "Sources/social-svc",
            exclude: ["SocialService"], swiftSettings: strict),

        // Messages and conversations.
        .target(
            name: "MessageService", dependencies: ["Shared", "SharedStorage", grdb, logging],
            path: "Sources/message-svc/MessageService", swiftSettings: strict),
        .executableTarget(
            name: "message-svc", dependencies: ["MessageService", "Shared"], path: "Sources/message-svc",
            exclude: ["MessageService"], swiftSettings: strict),

        // HTTP and WebSocket, the dialects, fan-out.
        .target(
            name: "Gateway", dependencies: ["Shared", "SharedCrypto", logging] + nio,
            path: "Sources/gateway/Gateway", swiftSettings: strict),
        .executableTarget(
            name: "gateway", dependencies: ["Gateway", "Shared"], path: "Sources/gateway", exclude: ["Gateway"],
            swiftSettings: strict),

        // The operator's tool.
        .target(
            name: "MartletTool", dependencies: ["Shared", argumentParser], path: "Sources/martlet/MartletTool",
            swiftSettings: strict),
        .executableTarget(
            name: "martlet", dependencies: ["MartletTool", argumentParser], path: "Sources/martlet",
            exclude: ["MartletTool"],
            swiftSettings: strict),

        // What the decisions rest on, measured: `make bench`.
        .executableTarget(
            name: "martlet-bench", dependencies: ["Shared", logging] + nio, path: "Tests/Benchmarks",
            swiftSettings: strict),

        // Tests: one target per module they speak of; the system tests start the executables.
        .target(
            name: "TestSupport", dependencies: ["Shared", logging], path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(
            name: "SharedTests", dependencies: ["Shared", "SharedCrypto", "SharedStorage", "TestSupport", grdb],
            path: "Tests/SharedTests", exclude: ["Contracts/golden.txt"], swiftSettings: strict),
        .testTarget(
            name: "AuthServiceTests", dependencies: ["AuthService", "SharedCrypto", "TestSupport"],
            path: "Tests/AuthServiceTests", swiftSettings: strict),
        .testTarget(
            name: "SocialServiceTests", dependencies: ["SocialService", "TestSupport"],
            path: "Tests/SocialServiceTests", swiftSettings: strict),
        .testTarget(
            name: "MessageServiceTests", dependencies: ["MessageService", "TestSupport"],
            path: "Tests/MessageServiceTests", swiftSettings: strict),
        .testTarget(
            name: "GatewayTests",
            dependencies: [
                "Gateway", "AuthService", "SocialService", "MessageService", "Shared", "SharedCrypto", "TestSupport",
                logging,
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ], path: "Tests/GatewayTests", swiftSettings: strict),
        .testTarget(
            name: "ToolTests", dependencies: ["MartletTool", "TestSupport", "martlet"], path: "Tests/ToolTests",
            exclude: ["stand-in"], swiftSettings: strict),
        .testTarget(
            name: "SystemTests",
            dependencies: ["TestSupport", grdb, "auth-svc", "social-svc", "message-svc", "gateway", "martlet"],
            path: "Tests/SystemTests", swiftSettings: strict),
    ]
)
