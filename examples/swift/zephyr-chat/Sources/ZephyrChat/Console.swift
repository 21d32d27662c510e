import Foundation

/// The lines of standard input. Reading blocks, so a thread does it.
func inputLines() -> AsyncStream<String> {
    AsyncStream { continuation in
        Thread.detachNewThread {
            while let line = readLine() { continuation.yield(line) }
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
