import Foundation

/// The lines of standard input. Reading blocks, so a thread does it; not with `readLine`, for whose lock the program
/// would wait when it ends.
func inputLines() -> AsyncStream<String> {
    AsyncStream { continuation in
        Thread.detachNewThread {
            var rest = Data()
            while case let more = FileHandle.standardInput.availableData, !more.isEmpty {
                rest.append(more)
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    continuation.yield(String(decoding: rest[..<end], as: UTF8.self))
                    rest = Data(rest[end...].dropFirst())
                }
            }
            continuation.finish()
        }
    }
}

/// Prints a line at once, also into a pipe.
func say(_ line: String) {
    FileHandle.standardOutput.write(Data("\(line)\n".utf8))
}

func complain(_ line: String) {
    FileHandle.standardError.write(Data("\(line)\n".utf8))
}
