// swift-tools-version: 6.0

import PackageDescription

// Apple's platforms get the library in an XCFramework (see build-xcframework.sh). Elsewhere it is linked from where
// `-Xlinker -L` says, as `libzephyr_mobile.so` or `.a`.
#if os(macOS)
let ffi: Target = .binaryTarget(name: "ZephyrFFI", path: "ZephyrFFI.xcframework")
let linked: [LinkerSetting] = []
#else
let ffi: Target = .systemLibrary(name: "ZephyrFFI")
let linked: [LinkerSetting] = [.linkedLibrary("zephyr_mobile")]
#endif

let package = Package(
    name: "Zephyr",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "Zephyr", targets: ["Zephyr"])],
    targets: [
        ffi,
        .target(name: "Zephyr", dependencies: ["ZephyrFFI"], linkerSettings: linked),
        .testTarget(name: "ZephyrTests", dependencies: ["Zephyr"]),
    ]
)
