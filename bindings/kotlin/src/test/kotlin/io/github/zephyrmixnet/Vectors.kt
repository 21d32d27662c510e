package io.github.zephyrmixnet

import java.io.File

/** `docs/vectors`: `name = value` lines in blocks that blank lines separate, `#` for comments. */
class Block(private val lines: Map<String, String>) {
    fun find(name: String): String? = lines[name]

    operator fun get(name: String): String = lines[name] ?: error("the vector has no $name")

    fun hex(name: String): ByteArray = this[name].hexToByteArray()

    fun int(name: String): Int = this[name].toInt()
}

/** Every block of every file in a folder below `docs/vectors`, with the file's name. */
fun vectors(folder: String): List<Pair<String, Block>> {
    val files = File(System.getProperty("zephyr.vectors"), folder).listFiles().orEmpty().sorted()
    check(files.isNotEmpty()) { "no vectors in $folder" }
    return files.flatMap { file -> blocks(file.readText()).map { "$folder/${file.name}" to it } }
}

private fun blocks(text: String): List<Block> =
    text.split(Regex("\n\\s*\n")).map { block ->
        val lines = block.lines().filter { it.isNotBlank() && !it.startsWith("#") }
        lines.associate { it.substringBefore(" =") to it.substringAfter("=").removePrefix(" ") }
    }.filter { it.isNotEmpty() }.map(::Block)
