import Foundation
import Testing

/// A block of `name = value` lines of a file in `docs/vectors`.
struct Block: CustomTestStringConvertible {
    /// `AREA/NAME.txt`, and which of the file's blocks it is.
    let source: String
    private let values: [String: String]

    var testDescription: String { source }

    /// All blocks of all files in a folder of `docs/vectors`.
    static func all(_ area: String) -> [Block] {
        let folder = docs.appendingPathComponent("vectors/\(area)")
        let names = try! FileManager.default.contentsOfDirectory(atPath: folder.path)
        return names.filter { $0.hasSuffix(".txt") }.sorted().flatMap { name in
            let text = try! String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            return parse(text, "\(area)/\(name)")
        }
    }

    /// Blank lines separate blocks, `#` begins a comment.
    private static func parse(_ text: String, _ source: String) -> [Block] {
        var blocks: [[String: String]] = [[:]]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty {
                blocks.append([:])
            } else if !line.hasPrefix("#"), let equals = line.range(of: " =") {
                let value = line[equals.upperBound...]
                blocks[blocks.count - 1][String(line[..<equals.lowerBound])] = String(value.dropFirst())
            }
        }
        return blocks.filter { !$0.isEmpty }.enumerated().map { number, values in
            Block(source: "\(source) (\(number + 1))", values: values)
        }
    }

    func text(_ name: String) -> String? { values[name] }

    /// Fails the whole run where the vector has no such line.
    subscript(_ name: String) -> String {
        guard let value = values[name] else { fatalError("\(source) has no \(name)") }
        return value
    }

    func bytes(_ name: String) -> Data { Data(hex: self[name]) }

    func number<Number: FixedWidthInteger>(_ name: String) -> Number { Number(self[name])! }
}

extension Data {
    init(hex: String) {
        let digits = Array(hex.utf8)
        self.init(stride(from: 0, to: digits.count, by: 2).map { i in
            UInt8(String(decoding: digits[i..<i + 2], as: UTF8.self), radix: 16)!
        })
    }
}

/// `docs`, from where this file stands.
let docs: URL = {
    var folder = URL(fileURLWithPath: #filePath)
    for _ in 0..<5 { folder.deleteLastPathComponent() }
    return folder.appendingPathComponent("docs")
}()
