package io.github.zephyrmixnet

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.async
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.nio.file.Path

/** A client in a network whose servers can't be reached. */
class ClientTest {
    @TempDir
    lateinit var folder: Path

    private val home get() = folder.resolve("home").toString()

    @Test
    fun `package and library are of the same version`() {
        assertEquals(System.getProperty("zephyr.version"), version())
    }

    @Test
    fun `a home is created, opened again, and used by one at a time`() = runBlocking {
        assertEquals(home, failure<ZephyrException.NoHome> { ZephyrClient.open(home) }.directory)
        val client = ZephyrClient.create(home, " Alice@Example.org ", NETWORK)
        assertEquals("alice@example.org", client.address())
        assertEquals(64, client.network().id.length)
        assertEquals(listOf("pkg-1", "pkg-2"), client.network().pkgs)
        assertEquals(home, failure<ZephyrException.InUse> { ZephyrClient.open(home) }.directory)
        client.shutDown()
        failure<ZephyrException.Closed> { client.contacts() }
        failure<ZephyrException.OtherAddress> { ZephyrClient.create(home, "bob@example.org", NETWORK) }
        val again = ZephyrClient.open(home)
        assertEquals("alice@example.org", again.address())
        again.shutDown()
    }

    @Test
    fun `errors say what an application can act on`() = withClient { client ->
        assertEquals("NoAt", failure<ZephyrException.InvalidAddress> { client.sendText("bob", "hi") }.problem)
        failure<ZephyrException.InvalidNetwork> { ZephyrClient.create(home + "2", "a@example.org", "nonsense") }
        failure<ZephyrException.OwnAddress> { client.sendText("alice@example.org", "hi") }
        failure<ZephyrException.EmptyText> { client.sendText("bob@example.org", "  ") }
        val long = failure<ZephyrException.TooLong> { client.sendFile("bob@example.org", ByteArray(1_048_577)) }
        assertEquals(1_048_577uL to 1_048_576uL, long.len to long.max)
        assertTrue(long.sentence().contains("1048577"))
        failure<ZephyrException.NoMessage> { client.delivery(7uL) }
        failure<ZephyrException.InvalidCode> { client.confirm(0u, "no") }
        assertEquals(2u, failure<ZephyrException.NoSuchPkg> { client.confirm(9u, "7GK2-M0QX") }.count)
        failure<ZephyrException.Unreachable> { client.confirm(0u, "7GK2-M0QX") }
        for (answer in client.register()) {
            val failed = assertInstanceOf(PkgOutcome.Failed::class.java, answer.outcome)
            assertInstanceOf(ZephyrException.Unreachable::class.java, failed.error)
        }
        assertTrue(client.registration().all { it.state is RegistrationState.NotRegistered })
    }

    @Test
    fun `contacts, blocked people and the outbox are kept`() = withClient { client ->
        assertTrue(client.addContact("bob@example.org", "from work"))
        assertFalse(client.addContact("Bob@example.org"))
        assertEquals("from work", client.contacts().single().note)
        val sent = client.sendText("carol@example.org", "hello")
        assertEquals(1u, sent.fragments)
        assertEquals(Delivery.Queued, client.delivery(sent.id))
        assertEquals(listOf("carol@example.org"), client.outbox().map { it.to })
        assertEquals(2, client.contacts().size)
        client.block("carol@example.org")
        assertEquals(listOf("carol@example.org"), client.blocked())
        assertTrue(client.outbox().isEmpty())
        failure<ZephyrException.Blocked> { client.sendText("carol@example.org", "hello?") }
        client.unblock("carol@example.org")
        assertTrue(client.blocked().isEmpty())
        assertTrue(client.removeContact("bob@example.org"))
        assertTrue(client.inbox().isEmpty())
        client.setContactsOnly(true)
    }

    @Test
    fun `a backup brings everything back`() = withClient { client ->
        client.addContact("bob@example.org", "from work")
        val backup = folder.resolve("backup").toString()
        failure<ZephyrException.WeakPassphrase> { client.exportBackup(backup, "short") }
        client.exportBackup(backup, "correct horse battery")
        failure<ZephyrException.FileExists> { client.exportBackup(backup, "correct horse battery") }
        failure<ZephyrException.WrongPassphrase> { ZephyrClient.restore(backup, "something else", "$home-2") }
        val restored = ZephyrClient.restore(backup, "correct horse battery", "$home-2")
        assertEquals("alice@example.org", restored.address())
        assertEquals("from work", restored.contacts().single().note)
        restored.shutDown()
    }

    @Test
    fun `listeners hear of the rounds until they are cancelled, and one that throws does not stop the client`() =
        withClient { client ->
            val events = Channel<RoundEvent>(Channel.UNLIMITED)
            var calls = 0
            val throwing = client.onRounds(object : RoundListener {
                override fun onRound(event: RoundEvent) {
                    calls += 1
                    events.trySend(event)
                    throw IllegalStateException("a mistake of the application")
                }
            })
            client.start()
            client.start()
            assertTrue(client.isRunning())
            withTimeout(PATIENCE) { repeat(2) { events.receive() } }
            assertTrue(client.isRunning())
            // A listener may call the client.
            val called = CompletableDeferred<Int>()
            val calling = client.onRounds(object : RoundListener {
                override fun onRound(event: RoundEvent) {
                    called.complete(runBlocking { client.contacts().size })
                }
            })
            assertEquals(0, withTimeout(PATIENCE) { called.await() })
            calling.cancel()
            throwing.cancel()
            delay(100)
            val before = calls
            client.stop()
            assertFalse(client.isRunning())
            assertEquals(before, calls)
        }

    @Test
    fun `flows of rounds tell that the client stopped`() = withClient { client ->
        val stopped = async { client.rounds().first { it is RoundEvent.Stopped } as RoundEvent.Stopped }
        val heard = async { client.rounds().first() }
        while (!client.isRunning()) client.start()
        withTimeout(PATIENCE) { heard.await() }
        client.stop()
        assertEquals(null, withTimeout(PATIENCE) { stopped.await() }.failure)
    }

    @Test
    fun `closing in the midst of a call makes it fail`() = withClient { client ->
        val sent = client.sendText("bob@example.org", "hello")
        client.start()
        val waiting = async { runCatching { client.waitDelivered(sent.id) } }
        val cancelled = async { client.waitDelivered(sent.id) }
        delay(50)
        cancelled.cancel()
        client.shutDown()
        client.shutDown()
        val failed = withTimeout(PATIENCE) { waiting.await() }.exceptionOrNull()
        assertInstanceOf(ZephyrException.Closed::class.java, failed)
        failure<ZephyrException.Closed> { client.start() }
        failure<ZephyrException.Closed> { client.onRounds(object : RoundListener {
            override fun onRound(event: RoundEvent) {}
        }) }
        ZephyrClient.open(home).shutDown()
    }

    private fun withClient(test: suspend kotlinx.coroutines.CoroutineScope.(ZephyrClient) -> Unit) = runBlocking {
        ZephyrClient.create(home, "alice@example.org", NETWORK).use { client ->
            test(client)
            client.shutDown()
        }
    }

    private inline fun <reified E : Throwable> failure(call: () -> Unit): E =
        assertInstanceOf(E::class.java, runCatching(call).exceptionOrNull())

    private companion object {
        const val PATIENCE = 30_000L

        /** Nobody listens at its servers' addresses. */
        val NETWORK = File(System.getProperty("zephyr.network")).readText()
    }
}
