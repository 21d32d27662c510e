#!/usr/bin/env bash
# Builds ZephyrFFI.xcframework, the library for Apple's platforms that Package.swift uses on a Mac.
#
#     bindings/swift/build-xcframework.sh            # iPhones, their simulator, and Macs
#     bindings/swift/build-xcframework.sh macos      # Macs only, which is enough for `swift test`
#
# It has NOT BEEN TESTED: it was written where there is no Mac. It needs Xcode, and Rust's targets:
#
#     rustup target add aarch64-apple-ios aarch64-apple-ios-sim aarch64-apple-darwin
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."

# The same as in Package.swift.
export IPHONEOS_DEPLOYMENT_TARGET=15.0 MACOSX_DEPLOYMENT_TARGET=12.0

case "${1:-all}" in
    all) targets=(aarch64-apple-ios aarch64-apple-ios-sim aarch64-apple-darwin) ;;
    macos) targets=(aarch64-apple-darwin) ;;
    *) echo "usage: $0 [all|macos]" >&2; exit 2 ;;
esac

target_dir=${CARGO_TARGET_DIR:-target}
work=$target_dir/bindings/swift/xcframework
headers=$work/headers
rm -rf "$work"
# In a folder of its own, since Xcode puts the headers of all frameworks together.
mkdir -p "$headers/ZephyrFFI"
cp "$here"/Sources/ZephyrFFI/{ZephyrFFI.h,module.modulemap} "$headers/ZephyrFFI"

libraries=()
for target in "${targets[@]}"; do
    cargo build --locked --release --package zephyr-mobile --target "$target"
    libraries+=(-library "$target_dir/$target/release/libzephyr_mobile.a" -headers "$headers")
done

xcodebuild -create-xcframework "${libraries[@]}" -output "$work/ZephyrFFI.xcframework"
rm -rf "$here/ZephyrFFI.xcframework"
mv "$work/ZephyrFFI.xcframework" "$here"
echo "built: $here/ZephyrFFI.xcframework"
