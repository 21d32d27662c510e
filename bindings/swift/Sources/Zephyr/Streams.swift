// What happens, as sequences for `for await`.

extension ZephyrClient {
    /// The messages that arrive from now on. Ends when the client is closed; the client stops telling when the task
    /// that iterates is cancelled, or the stream is dropped. Messages that came before are in ``inbox(unseenOnly:)``.
    ///
    /// Take it before ``start()``, so that nothing is missed:
    ///
    ///     let messages = client.messages
    ///     try client.start()
    ///     for await message in messages { print(message.text ?? "a file") }
    public var messages: AsyncStream<Message> {
        stream { try onMessages(listener: MessageForwarder($0)) }
    }

    /// How far messages in the outbox come from now on. Ends as ``messages`` does.
    public var deliveries: AsyncStream<DeliveryUpdate> {
        stream { try onDeliveries(listener: DeliveryForwarder($0)) }
    }

    /// What happens in the rounds from now on. Ends as ``messages`` does. Who is slow gets the newest 256.
    public var rounds: AsyncStream<RoundEvent> {
        stream(.bufferingNewest(256)) { try onRounds(listener: RoundForwarder($0)) }
    }
}

/// A closed client has nothing more to tell, so its streams are empty.
private func stream<Element>(
    _ buffering: AsyncStream<Element>.Continuation.BufferingPolicy = .unbounded,
    subscribe: (AsyncStream<Element>.Continuation) throws -> Subscription
) -> AsyncStream<Element> {
    AsyncStream(bufferingPolicy: buffering) { continuation in
        guard let subscription = try? subscribe(continuation) else { return continuation.finish() }
        continuation.onTermination = { _ in subscription.cancel() }
    }
}

/// Ends its stream when the library lets go of it, which is when the client is closed.
private class Forwarder<Element: Sendable>: @unchecked Sendable {
    let continuation: AsyncStream<Element>.Continuation

    init(_ continuation: AsyncStream<Element>.Continuation) {
        self.continuation = continuation
    }

    deinit {
        continuation.finish()
    }
}

private final class MessageForwarder: Forwarder<Message>, MessageListener, @unchecked Sendable {
    func onMessage(message: Message) {
        continuation.yield(message)
    }
}

private final class DeliveryForwarder: Forwarder<DeliveryUpdate>, DeliveryListener, @unchecked Sendable {
    func onDelivery(update: DeliveryUpdate) {
        continuation.yield(update)
    }
}

private final class RoundForwarder: Forwarder<RoundEvent>, RoundListener, @unchecked Sendable {
    func onRound(event: RoundEvent) {
        continuation.yield(event)
    }
}
