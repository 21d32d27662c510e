import Foundation
import Testing
import Zephyr

/// Listeners listen as long as somebody wants to know.
@Suite struct ListenerTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test(.timeLimit(.minutes(1)))
    func roundsAreTold() async throws {
        let alice = try await client("alice@example.org", in: folder)
        let rounds = alice.rounds
        try alice.start()
        try alice.start()
        #expect(alice.isRunning())
        await alice.stop()
        #expect(!alice.isRunning())
        let stopped = await rounds.first { $0 == .stopped(failure: nil) }
        #expect(stopped != nil)
        await alice.close()
    }

    @Test(.timeLimit(.minutes(1)))
    func streamsEndWhenTheClientIsClosed() async throws {
        let alice = try await client("alice@example.org", in: folder)
        let (messages, deliveries) = (alice.messages, alice.deliveries)
        await alice.close()
        for await _ in messages { Issue.record("a message without a network") }
        for await _ in deliveries { Issue.record("a delivery without a network") }
        for await _ in alice.messages { Issue.record("a message of a closed client") }
    }

    @Test(.timeLimit(.minutes(1)))
    func aStreamEndsWithItsTask() async throws {
        let alice = try await client("alice@example.org", in: folder)
        let messages = alice.messages
        let task = Task { for await _ in messages {} }
        task.cancel()
        await task.value
        await alice.close()
    }

    @Test(.timeLimit(.minutes(1)))
    func aListenerIsLetGoWhenItsSubscriptionIsDropped() async throws {
        let alice = try await client("alice@example.org", in: folder)
        let (gone, tell) = AsyncStream<Void>.makeStream()
        var subscription: Subscription? = try alice.onMessages(listener: Listener(tell))
        #expect(subscription != nil)
        subscription = nil
        for await _ in gone {}
        await alice.close()
    }

    @Test(.timeLimit(.minutes(1)))
    func aListenerIsLetGoWhenItIsCancelled() async throws {
        let alice = try await client("alice@example.org", in: folder)
        let (gone, tell) = AsyncStream<Void>.makeStream()
        let subscription = try alice.onMessages(listener: Listener(tell))
        subscription.cancel()
        for await _ in gone {}
        subscription.cancel()
        await alice.close()
    }

    #if os(Linux) // where a process sees its threads in a folder
    @Test(.timeLimit(.minutes(1)))
    func aStreamThatIsDroppedLetsItsListenerGo() async throws {
        let alice = try await client("alice@example.org", in: folder)
        var streams = (0..<100).map { _ in alice.messages }
        while listeners() < streams.count { await Task.yield() }
        streams.removeAll()
        // Those of other tests stay.
        while listeners() >= 50 { await Task.yield() }
        await alice.close()
    }

    /// How many threads tell listeners of something.
    private func listeners() -> Int {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
        return threads.count { thread in
            let name = try? String(contentsOfFile: "/proc/self/task/\(thread)/comm", encoding: .utf8)
            return name?.hasPrefix("zephyr-listener") == true
        }
    }
    #endif

    @Test(.timeLimit(.minutes(1)))
    func aListenerThatThrowsIsToldOfTheNextEvent() async throws {
        let alice = try await client("alice@example.org", in: folder)
        let (events, tell) = AsyncStream<RoundEvent>.makeStream()
        let subscription = try alice.onRounds(listener: Thrower(tell))
        for _ in 0..<2 {
            try alice.start()
            await alice.stop()
        }
        var stops = 0
        for await event in events where event == .stopped(failure: nil) {
            stops += 1
            if stops == 2 { break }
        }
        #expect(stops == 2)
        subscription.cancel()
        await alice.close()
    }
}

/// Says when it is let go.
private final class Listener: MessageListener, Sendable {
    let gone: AsyncStream<Void>.Continuation

    init(_ gone: AsyncStream<Void>.Continuation) {
        self.gone = gone
    }

    deinit {
        gone.finish()
    }

    func onMessage(message: Message) {}
}

/// Fails at everything that it is told.
private final class Thrower: RoundListener, Sendable {
    let events: AsyncStream<RoundEvent>.Continuation

    init(_ events: AsyncStream<RoundEvent>.Continuation) {
        self.events = events
    }

    func onRound(event: RoundEvent) throws {
        events.yield(event)
        throw ListenerError.Failed(reason: "on purpose")
    }
}
