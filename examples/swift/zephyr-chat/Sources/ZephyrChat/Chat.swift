import Foundation
import Zephyr

/// A small chat: one line is one message.
///
///     zephyr-chat NETWORK_FILE HOME ADDRESS
///
/// A line `ADDRESS TEXT` sends, `+ADDRESS` adds a contact, `quit` or the end of the input ends the program.
@main
struct Chat {
    static func main() async {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count == 3 else {
            complain("usage: zephyr-chat NETWORK_FILE HOME ADDRESS")
            exit(2)
        }
        do {
            try await run(Array(arguments))
        } catch {
            complain("error: \(error)")
            exit(1)
        }
    }

    static func run(_ arguments: [String]) async throws {
        let (file, home, address) = (arguments[0], arguments[1], arguments[2])
        guard let network = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw Stopped(description: "the network file \(file) can't be read: is it there?")
        }
        do {
            _ = try canonicalAddress(text: address)
        } catch {
            throw Stopped(description: "\(address) is no address: \(error)")
        }
        let client = try await ZephyrClient.create(directory: home, address: address, networkFile: network)
        let lines = inputLines()
        try await register(client, lines)
        try await chat(client, lines)
    }

    static func chat(_ client: ZephyrClient, _ lines: AsyncStream<String>) async throws {
        // Taken before the start, so that nothing is missed.
        let (messages, deliveries, rounds) = (client.messages, client.deliveries, client.rounds)
        for message in try await client.inbox(unseenOnly: true) {
            try await show(message, of: client)
        }
        try client.start()
        say("ready")

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await message in messages { try await show(message, of: client) }
            }
            group.addTask {
                for await update in deliveries where update.delivery == .delivered {
                    say("delivered \(update.id)")
                }
            }
            group.addTask {
                for await case .stopped(let failure?) in rounds { throw Stopped(description: failure) }
            }
            group.addTask {
                for await line in lines where line != "" {
                    if line == "quit" { break }
                    await obey(line, client)
                }
                // The streams end with it.
                await client.close()
            }
            try await group.waitForAll()
        }
    }

    /// A mistake in a line is no reason to end the program.
    static func obey(_ line: String, _ client: ZephyrClient) async {
        do {
            if line.hasPrefix("+") {
                let address = try canonicalAddress(text: String(line.dropFirst()))
                _ = try await client.addContact(address: address)
                say("added \(address)")
            } else {
                let words = line.split(separator: " ", maxSplits: 1).map(String.init)
                let sent = try await client.sendText(to: words[0], text: words.count > 1 ? words[1] : "")
                say("queued \(sent.id)")
            }
        } catch {
            complain("error: \(error)")
        }
    }

    static func show(_ message: Message, of client: ZephyrClient) async throws {
        say("\(message.from ?? "anonymous"): \(message.text ?? "(a file)")")
        do {
            try await client.markSeen(id: message.id)
        } catch ZephyrError.Closed {
            // It is shown again at the next start.
        }
    }
}

/// Why the program ends.
struct Stopped: Error, CustomStringConvertible {
    let description: String
}
