import Foundation
import Zephyr

/// A folder that is removed when the test is over.
final class Folder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("zephyr-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}

/// A network in which nobody answers.
let sampleNetwork = try! String(contentsOf: docs.appendingPathComponent("../bindings/network.toml"), encoding: .utf8)

func client(_ address: String, in folder: Folder) async throws -> ZephyrClient {
    try await ZephyrClient.create(directory: folder.path(address), address: address, networkFile: sampleNetwork)
}
