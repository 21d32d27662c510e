// swift-tools-version: 6.0

import PackageDescription

// In a folder of its own name: Swift tells packages apart by the names of their folders.
let package = Package(
    name: "zephyr-chat",
    platforms: [.macOS(.v12)],
    products: [.executable(name: "zephyr-chat", targets: ["ZephyrChat"])],
    dependencies: [.package(name: "Zephyr", path: "../../../bindings/swift")],
    targets: [.executableTarget(name: "ZephyrChat", dependencies: ["Zephyr"])]
)
