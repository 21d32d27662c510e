package io.github.zephyrmixnet.example

import io.github.zephyrmixnet.Content
import io.github.zephyrmixnet.Delivery
import io.github.zephyrmixnet.Message
import io.github.zephyrmixnet.PkgAnswer
import io.github.zephyrmixnet.PkgOutcome
import io.github.zephyrmixnet.PkgReply
import io.github.zephyrmixnet.RegistrationState
import io.github.zephyrmixnet.ZephyrClient
import io.github.zephyrmixnet.ZephyrException
import io.github.zephyrmixnet.deliveries
import io.github.zephyrmixnet.messages
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import java.io.File
import java.io.IOException
import kotlin.coroutines.coroutineContext
import kotlin.system.exitProcess

/** A small chat. */
fun main(arguments: Array<String>) {
    if (arguments.size != 3) {
        System.err.println("usage: example NETWORK_FILE HOME ADDRESS")
        exitProcess(2)
    }
    val (network, home, address) = arguments
    try {
        runBlocking { chat(File(network).readText(), home, address) }
    } catch (error: ZephyrException.InvalidAddress) {
        fail("$address can't be used: ${error.sentence()}")
    } catch (error: ZephyrException) {
        fail(error.sentence())
    } catch (error: IOException) {
        fail("the network file $network can't be read: ${error.message}")
    }
}

private suspend fun chat(network: String, home: String, address: String) {
    val client = ZephyrClient.create(home, address, network)
    try {
        if (!register(client)) return
        client.start()
        say("ready")
        coroutineScope {
            launch { client.messages().collect { show(client, it) } }
            launch {
                client.deliveries().collect { if (it.delivery is Delivery.Delivered) say("delivered ${it.id}") }
            }
            while (true) {
                val line = read()
                if (line == null || line == "quit") break
                try {
                    obey(client, line)
                } catch (error: ZephyrException) {
                    System.err.println("error: ${error.sentence()}")
                }
            }
            coroutineContext.cancelChildren()
        }
    } finally {
        client.shutDown()
    }
}

/** `false` if the input ended before all codes were there. */
private suspend fun register(client: ZephyrClient): Boolean {
    if (client.registration().all { it.state is RegistrationState.Registered }) return true
    for (answer in client.register()) {
        when (val outcome = answer.outcome) {
            is PkgOutcome.Failed -> throw outcome.error
            is PkgOutcome.Done -> if (outcome.reply is PkgReply.CodeSent && !confirm(client, answer)) return false
        }
    }
    say("registered")
    return true
}

private suspend fun confirm(client: ZephyrClient, pkg: PkgAnswer): Boolean {
    while (true) {
        say("code? ${pkg.name} ${pkg.fingerprint}")
        val code = read() ?: return false
        try {
            client.confirm(pkg.pkg, code)
            return true
        } catch (error: ZephyrException.WrongCode) {
            say("error: ${error.sentence()}")
        } catch (error: ZephyrException.InvalidCode) {
            say("error: ${error.sentence()}")
        }
    }
}

/** `ADDRESS TEXT…` sends, `+ADDRESS` adds a contact. */
private suspend fun obey(client: ZephyrClient, line: String) {
    if (line.isBlank()) return
    if (line.startsWith("+")) {
        val address = line.drop(1).trim()
        client.addContact(address)
        say("added $address")
    } else {
        val sent = client.sendText(line.substringBefore(' '), line.substringAfter(' ', ""))
        say("queued ${sent.id}")
    }
}

private suspend fun show(client: ZephyrClient, message: Message) {
    val what = when (val content = message.content) {
        is Content.Text -> content.text
        is Content.File -> "a file of ${content.bytes.size} bytes"
    }
    say("${message.from ?: "anonymous"}: $what")
    client.markSeen(message.id)
}

/** Waiting for a line must not hold up what else is to be shown. */
private suspend fun read(): String? = withContext(Dispatchers.IO) { readlnOrNull() }

private fun say(line: String) {
    println(line)
    System.out.flush()
}

private fun fail(sentence: String): Nothing {
    System.err.println("error: $sentence")
    exitProcess(1)
}
