package io.github.zephyrmixnet

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** What all languages agree on. */
class VectorsTest {
    @Test
    fun `addresses, points and mailboxes are as frozen`() = each("identity") { name, block ->
        when (block["check"]) {
            "points" -> {
                val points = identityPoints(block["address"], block.hex("network"))
                val fits = points.q1.contentEquals(block.hex("q1")) && points.q2.contentEquals(block.hex("q2"))
                assertEquals(block["fits"] == "yes", fits, name)
            }
            "mailbox" -> {
                val mailboxes = block["mailboxes"].toUInt()
                val mailbox = addressMailbox(block["address"], block.hex("network"), mailboxes)
                assertEquals(block["mailbox"].toUInt(), mailbox, name)
            }
            "spelling" -> {
                val written = block.hex("written").decodeToString()
                val read = runCatching { canonicalAddress(written) }
                assertEquals(block.find("canonical"), read.getOrNull(), name)
                val problem = read.exceptionOrNull() as ZephyrException.InvalidAddress?
                assertEquals(block.find("error"), problem?.problem, name)
            }
            "canonical" -> assertFalse(isCanonicalAddress(block.hex("written").decodeToString()), name)
            else -> error("$name: ${block["check"]}?")
        }
    }

    @Test
    fun `manifests, directories and lists are as frozen`() = each("directory") { name, block ->
        when (block["check"]) {
            "manifest" -> refusedAs(name, block) {
                val manifest = verifyManifest(block.hex("manifest"))
                assertArrayEquals(block.hex("network"), manifest.network, name)
                assertArrayEquals(block.hex("hash"), manifest.hash, name)
                assertEquals(block["servers"].toUInt(), manifest.servers, name)
            }
            "signed manifest" -> refusedAs(name, block) {
                val manifest = verifySignedManifest(block.hex("previous"), block.hex("signed"))
                assertArrayEquals(block.hex("hash"), manifest.hash, name)
                assertEquals(block["version"].toUInt(), manifest.version, name)
                assertEquals(block["from"].toULong(), manifest.fromRound, name)
                assertEquals(block["signatures"].toUInt(), manifest.signatures, name)
            }
            "directory" -> refusedAs(name, block) {
                val directory = verifyDirectory(block.hex("manifest"), block.hex("directory"))
                assertArrayEquals(block.hex("hash"), directory.hash, name)
                assertEquals(block["round"].toULong(), directory.round, name)
            }
            "mixer announcement" -> {
                val good = verifyMixerAnnouncement(
                    block.hex("network"), block.hex("server"), block.hex("announcement"),
                )
                assertEquals(block.find("error") == null, good, name)
            }
            "pkg announcement" -> {
                val good = verifyPkgAnnouncement(
                    block.hex("network"), block.hex("server"), block.hex("announcement"),
                )
                assertEquals(block.find("error") == null, good, name)
            }
            "delivery list" -> {
                val messages = (0..<block.int("messages")).map { block.hex("message_$it") }
                val good = verifyDeliveryList(
                    block.hex("server"), block.hex("directory"), block["mixer"].toUShort(),
                    block["mailbox"].toUInt(), messages, block.hex("signature"),
                )
                assertEquals(block.find("error") == null, good, name)
            }
            "server keys" -> {} // Of no use to a client.
            else -> error("$name: ${block["check"]}?")
        }
    }

    @Test
    fun `sealed messages are as frozen`() = each("seal") { name, block ->
        val keys = generateSequence(0) { it + 1 }.map { "key_$it" }.takeWhile { block.find(it) != null }
        val round = RoundKeys(
            block.hex("network"), block["round"].toULong(), block.hex("directory"),
            keys.map { block.hex(it) }.toList(),
        )
        val (own, key) = block["recipient"] to block.hex("recipient_key")
        val payload = if (block["opens"] == "yes") block.hex("payload") else null
        assertArrayEquals(payload, openSealed(round, own, key, block.hex("sealed")), name)

        val sender = block.find("sender") ?: return@each
        val slot = block["slot"].toUShort()
        assertArrayEquals(payload, openSealedFrom(round, own, key, sender, slot, block.hex("sealed")), name)
        if (payload != null && block.find("tag") != null) {
            assertArrayEquals(block.hex("tag"), incomingTag(round, own, key, sender, slot), name)
        }
        if (block.find("sender_key") != null) {
            val tag = outgoingTag(round, sender, block.hex("sender_key"), own, slot)
            assertArrayEquals(block.hex("tag"), tag, name)
        }
    }

    @Test
    fun `packets and the order of mixers are as frozen`() = each("onion") { name, block ->
        when (block["check"]) {
            "order" -> {
                val mixers = block["mixers"].split(" ").map { it.toUShort() }
                val order = mixerOrder(block.hex("directory"), block["hops"].toUInt(), mixers)
                assertEquals(block["route"], order.joinToString(" "), name)
            }
            "peel" -> refusedAs(name, block) {
                val peeled = peelPacket(
                    block["hops"].toUInt(), block["payload_len"].toUInt(), block.hex("directory"),
                    block["position"].toUInt(), block.hex("mixer_secret"), block.hex("packet"),
                )
                when (peeled) {
                    is Peeled.Mixer -> {
                        assertEquals(block["next"], "mixer ${peeled.next}", name)
                        assertArrayEquals(block.hex("next_packet"), peeled.packet, name)
                    }
                    is Peeled.Mailbox -> {
                        assertEquals(block["next"], "mailbox ${peeled.mailbox}", name)
                        assertArrayEquals(block.hex("sealed"), peeled.`sealed`, name)
                    }
                }
            }
            else -> error("$name: ${block["check"]}?")
        }
    }

    private fun each(folder: String, check: (String, Block) -> Unit) =
        vectors(folder).forEach { (name, block) -> check(name, block) }

    /** Either `verify` passes, or it fails for the reason that the vector names. */
    private fun refusedAs(name: String, block: Block, verify: () -> Unit) {
        try {
            verify()
            assertNull(block.find("error"), name)
        } catch (refused: ProtocolException.Refused) {
            assertEquals(block.find("error"), refused.problem, name)
            assertTrue(refused.sentence().isNotEmpty())
        }
    }
}
