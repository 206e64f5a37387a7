// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours: Swift 6, explicit `any`, imports that are stated and internal, and no warning left standing.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "syncd",
    products: [
        .library(name: "S3API", targets: ["S3API"]),
        .executable(name: "syncd", targets: ["syncd"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
        .systemLibrary(name: "CLinux"),
        .target(name: "CChecksum"),
        .target(name: "Text", swiftSettings: settings),
        .target(
            name: "S3API",
            dependencies: ["Text", "CChecksum", "CCurl", "CLinux", "COpenSSL", "CXML2"],
            swiftSettings: settings
        ),
        .target(
            name: "SyncEngine",
            dependencies: ["S3API", "CLinux", "COpenSSL", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "syncd",
            dependencies: [
                "SyncEngine", "S3API", "Text", "CLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "FlyingFox", package: "FlyingFox"),
                .product(name: "FlyingSocks", package: "FlyingFox"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "TestSupport",
            dependencies: ["S3API", "SyncEngine", "COpenSSL"],
            path: "Tests/TestSupport",
            swiftSettings: settings
        ),
        .target(
            name: "Simulation",
            dependencies: ["SyncEngine", "TestSupport"],
            path: "Tests/Simulation",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "simulate",
            dependencies: ["Simulation", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Tests/Simulate",
            swiftSettings: settings
        ),
        .testTarget(
            name: "S3APITests",
            dependencies: ["S3API", "CChecksum", "Text", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SyncEngineTests",
            dependencies: [
                "S3API", "SyncEngine", "TestSupport", "Simulation", .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "syncdTests",
            dependencies: ["syncd", "S3API", "SyncEngine", "Text", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(name: "TidyTests", swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
