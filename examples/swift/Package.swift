// swift-tools-version: 6.0

import PackageDescription

let package = Package(
    name: "zephyr-chat",
    platforms: [.macOS(.v12)],
    products: [.executable(name: "zephyr-chat", targets: ["ZephyrChat"])],
    dependencies: [.package(name: "Zephyr", path: "../../bindings/swift")],
    targets: [.executableTarget(name: "ZephyrChat", dependencies: ["Zephyr"])]
)
