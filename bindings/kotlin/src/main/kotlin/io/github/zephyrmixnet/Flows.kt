package io.github.zephyrmixnet

import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.channels.trySendBlocking
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.flow

/**
 * All messages that were not marked as seen, the oldest first, and then each one as it arrives: none is left out, none
 * comes twice. Mark them as seen with [ZephyrClient.markSeen].
 *
 * The flow goes on until its collector is cancelled, also while the client does not run.
 */
fun ZephyrClient.messages(): Flow<Message> = flow {
    val arrived = Channel<Message>(Channel.UNLIMITED)
    val subscription = onMessages(object : MessageListener {
        override fun onMessage(message: Message) {
            arrived.trySend(message)
        }
    })
    subscription.use {
        var last = 0uL
        for (message in inbox(unseenOnly = true)) {
            emit(message)
            last = message.id
        }
        for (message in arrived) {
            if (message.id > last) emit(message)
        }
    }
}

/** How far messages in the outbox come, from now on, until the collector is cancelled. */
fun ZephyrClient.deliveries(): Flow<DeliveryUpdate> = listening { tell ->
    onDeliveries(object : DeliveryListener {
        override fun onDelivery(update: DeliveryUpdate) = tell(update)
    })
}

/** What happens in the rounds, from now on, until the collector is cancelled. */
fun ZephyrClient.rounds(): Flow<RoundEvent> = listening { tell ->
    onRounds(object : RoundListener {
        override fun onRound(event: RoundEvent) = tell(event)
    })
}

/** A listener has a thread of its own, so it may wait for a slow collector. */
private fun <T> listening(subscribe: ((T) -> Unit) -> Subscription): Flow<T> = callbackFlow {
    val subscription = subscribe { trySendBlocking(it) }
    awaitClose { subscription.close() }
}
