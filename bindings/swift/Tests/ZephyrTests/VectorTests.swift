import Foundation
import Testing
import Zephyr

/// The frozen vectors in `docs/vectors`, which every language reads.
@Suite struct VectorTests {
    @Test(arguments: Block.all("identity"))
    func identity(block: Block) throws {
        switch block["check"] {
        case "points":
            let points = try identityPoints(address: block["address"], networkId: block.bytes("network"))
            let fits = points.q1 == block.bytes("q1") && points.q2 == block.bytes("q2")
            #expect(fits == (block["fits"] == "yes"))
        case "mailbox":
            let mailbox = try addressMailbox(
                address: block["address"],
                networkId: block.bytes("network"),
                mailboxes: block.number("mailboxes")
            )
            #expect(mailbox == block.number("mailbox"))
        case "spelling":
            let written = String(decoding: block.bytes("written"), as: UTF8.self)
            do {
                #expect(try canonicalAddress(text: written) == block.text("canonical"))
            } catch ZephyrError.InvalidAddress(let problem, _) {
                #expect(problem == block.text("error"))
            }
        case "canonical":
            let written = String(decoding: block.bytes("written"), as: UTF8.self)
            #expect(!isCanonicalAddress(text: written))
        case let other:
            Issue.record("\(other)?")
        }
    }

    @Test(arguments: Block.all("directory"))
    func directory(block: Block) throws {
        do {
            let good = try check(directory: block)
            #expect(good ? block.text("error") == nil : block["error"] == "Unsigned")
        } catch ProtocolError.Refused(let problem, _) {
            #expect(problem == block.text("error"))
        }
    }

    @Test(arguments: Block.all("seal"))
    func seal(block: Block) throws {
        let opens = block["opens"] == "yes"
        let payload = opens ? block.text("payload").map(Data.init(hex:)) : nil
        let (recipient, key) = (block["recipient"], block.bytes("recipient_key"))
        let (round, sealed) = (block.round, block.bytes("sealed"))
        let opened = try openSealed(round: round, recipient: recipient, recipientKey: key, sealed: sealed)
        #expect(opened == payload)
        guard let sender = block.text("sender") else { return }
        let slot: UInt16 = block.number("slot")
        let from = try openSealedFrom(
            round: round, recipient: recipient, recipientKey: key, sender: sender, slot: slot, sealed: sealed
        )
        #expect(from == payload)
        if opens, block.text("tag") != nil {
            let tag = try incomingTag(
                round: round, recipient: recipient, recipientKey: key, sender: sender, slot: slot
            )
            #expect(tag == block.bytes("tag"))
        }
        if block.text("sender_key") != nil {
            let tag = try outgoingTag(
                round: round, sender: sender, senderKey: block.bytes("sender_key"), recipient: recipient,
                slot: slot
            )
            #expect(tag == block.bytes("tag"))
        }
    }

    @Test(arguments: Block.all("onion"))
    func onion(block: Block) throws {
        if block["check"] == "order" {
            let mixers = block["mixers"].split(separator: " ").map { UInt16($0)! }
            let order = try mixerOrder(
                directory: block.bytes("directory"), hops: block.number("hops"), mixers: mixers
            )
            #expect(order.map(String.init).joined(separator: " ") == block["route"])
            return
        }
        do {
            switch try peel(block) {
            case .mixer(let next, let packet):
                #expect("mixer \(next)" == block.text("next"))
                #expect(packet == block.text("next_packet").map(Data.init(hex:)))
            case .mailbox(let mailbox, let sealed):
                #expect("mailbox \(mailbox)" == block.text("next"))
                #expect(sealed == block.text("sealed").map(Data.init(hex:)))
            }
        } catch ProtocolError.Refused(let problem, _) {
            #expect(problem == block.text("error"))
        }
    }
}

/// Throws what the bytes are refused with; says whether a signature is good.
private func check(directory block: Block) throws -> Bool {
    switch block["check"] {
    case "manifest":
        let manifest = try verifyManifest(manifest: block.bytes("manifest"))
        #expect(manifest.network == block.bytes("network"))
        #expect(manifest.hash == block.bytes("hash"))
        #expect(manifest.servers == block.number("servers"))
    case "signed manifest":
        let manifest = try verifySignedManifest(previous: block.bytes("previous"), next: block.bytes("signed"))
        #expect(manifest.hash == block.bytes("hash"))
        #expect(manifest.version == block.number("version"))
        #expect(manifest.fromRound == block.number("from"))
        #expect(manifest.signatures == block.number("signatures"))
    case "directory":
        let (manifest, directory) = (block.bytes("manifest"), block.bytes("directory"))
        let info = try verifyDirectory(manifest: manifest, directory: directory)
        #expect(info.round == block.number("round"))
        #expect(info.hash == block.bytes("hash"))
    case "mixer announcement":
        return try verifyMixerAnnouncement(
            networkId: block.bytes("network"), server: block.bytes("server"), announcement: block.bytes("announcement")
        )
    case "pkg announcement":
        return try verifyPkgAnnouncement(
            networkId: block.bytes("network"), server: block.bytes("server"), announcement: block.bytes("announcement")
        )
    case "delivery list":
        let count: Int = block.number("messages")
        return try verifyDeliveryList(
            server: block.bytes("server"), directory: block.bytes("directory"), mixer: block.number("mixer"),
            mailbox: block.number("mailbox"), messages: (0..<count).map { block.bytes("message_\($0)") },
            signature: block.bytes("signature")
        )
    case "server keys":
        break // of servers, which are not written in Swift
    case let other:
        Issue.record("\(other)?")
    }
    return true
}

private func peel(_ block: Block) throws -> Peeled {
    try peelPacket(
        hops: block.number("hops"),
        payloadLen: block.number("payload_len"),
        directory: block.bytes("directory"),
        position: block.number("position"),
        mixerSecret: block.bytes("mixer_secret"),
        packet: block.bytes("packet")
    )
}

extension Block {
    /// The round of a sealed message.
    fileprivate var round: RoundKeys {
        let keys = (0...).lazy.map { "key_\($0)" }.prefix { text($0) != nil }.map(bytes)
        return RoundKeys(
            network: bytes("network"), round: number("round"), directory: bytes("directory"), pkgKeys: Array(keys)
        )
    }
}
