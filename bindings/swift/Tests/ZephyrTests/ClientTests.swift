import Foundation
import Testing
import Zephyr

/// What a client does without a network.
@Suite struct ClientTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test func aHomeIsCreatedAndOpenedAgain() async throws {
        let alice = try await client(" Alice@Example.org ", in: folder)
        #expect(alice.address() == "alice@example.org")
        let network = try alice.network()
        #expect(network.id == "78d85f310b2af251a1a1202b06fc3f913502d7a3eed01e42f144aa72df441250")
        #expect(network.pkgs == ["pkg-1", "pkg-2"])
        #expect(network.round == 2)
        await alice.close()

        let again = try await ZephyrClient.open(directory: folder.path(" Alice@Example.org "))
        #expect(again.address() == "alice@example.org")
        let states = try await again.registration()
        #expect(states.map(\.name) == ["pkg-1", "pkg-2"])
        #expect(states.allSatisfy { $0.state == .notRegistered && !$0.fingerprint.isEmpty })
        await again.close()
    }

    @Test func aHomeIsOpenOnlyOnce() async throws {
        let alice = try await client("alice@example.org", in: folder)
        let path = folder.path("alice@example.org")
        await #expect(throws: ZephyrError.InUse(directory: path)) { try await ZephyrClient.open(directory: path) }
        await alice.close()
        let again = try await ZephyrClient.open(directory: path)
        await again.close()
    }

    @Test func aClientThatIsLetGoClosesItsHome() async throws {
        _ = try await client("alice@example.org", in: folder)
        let path = folder.path("alice@example.org")
        // Nobody can wait for that but by trying.
        let deadline = Date() + 30
        while true {
            do {
                return try await ZephyrClient.open(directory: path).close()
            } catch ZephyrError.InUse where Date() < deadline {
                await Task.yield()
            }
        }
    }

    @Test func contactsAreKept() async throws {
        let alice = try await client("alice@example.org", in: folder)
        #expect(try await alice.addContact(address: "Bob@Example.org", note: "the plumber"))
        #expect(try await alice.addContact(address: "carol@example.org"))
        #expect(try await !alice.addContact(address: "carol@example.org", note: "a friend"))
        let contacts = try await alice.contacts()
        #expect(contacts.map(\.address) == ["bob@example.org", "carol@example.org"])
        #expect(contacts.map(\.note) == ["the plumber", "a friend"])
        #expect(try await alice.removeContact(address: "bob@example.org"))
        #expect(try await !alice.removeContact(address: "bob@example.org"))
        #expect(try await alice.contacts().count == 1)
        await alice.close()
    }

    @Test func whoIsBlockedIsNotWrittenTo() async throws {
        let alice = try await client("alice@example.org", in: folder)
        #expect(try await alice.block(address: "Mallory@example.org"))
        #expect(try await !alice.block(address: "mallory@example.org"))
        #expect(try await alice.blocked() == ["mallory@example.org"])
        await #expect(throws: ZephyrError.Blocked(address: "mallory@example.org")) {
            try await alice.sendText(to: "mallory@example.org", text: "Hello")
        }
        #expect(try await alice.unblock(address: "mallory@example.org"))
        #expect(try await alice.blocked().isEmpty)
        await alice.close()
    }

    @Test func aHomeIsRestoredFromItsBackup() async throws {
        let alice = try await client("alice@example.org", in: folder)
        _ = try await alice.addContact(address: "bob@example.org", note: "the plumber")
        let fingerprints = try await alice.registration().map(\.fingerprint)
        let (file, passphrase) = (folder.path("backup"), "correct horse battery staple")
        try await alice.exportBackup(file: file, passphrase: passphrase)
        await #expect(throws: ZephyrError.FileExists(file: file)) {
            try await alice.exportBackup(file: file, passphrase: passphrase)
        }
        await alice.close()

        let directory = folder.path("restored")
        await #expect(throws: ZephyrError.WrongPassphrase(file: file)) {
            try await ZephyrClient.restore(backup: file, passphrase: "wrong horse battery", directory: directory)
        }
        let again = try await ZephyrClient.restore(backup: file, passphrase: passphrase, directory: directory)
        #expect(again.address() == "alice@example.org")
        #expect(try await again.contacts().map(\.note) == ["the plumber"])
        #expect(try await again.registration().map(\.fingerprint) == fingerprints)
        await again.close()
    }

    @Test func messagesWaitInTheOutbox() async throws {
        let alice = try await client("alice@example.org", in: folder)
        let text = try await alice.sendText(to: "bob@example.org", text: "Hello Bob")
        let file = try await alice.sendFile(to: "bob@example.org", bytes: Data(repeating: 7, count: 5_000))
        #expect(text.fragments == 1 && file.fragments > 1 && file.rounds >= text.rounds)
        let outbox = try await alice.outbox()
        #expect(outbox.map(\.id) == [text.id, file.id])
        #expect(outbox.map(\.len) == [9, 5_000])
        #expect(outbox.map(\.isFile) == [false, true])
        #expect(try await alice.delivery(id: text.id) == .queued)
        #expect(try await alice.contacts().map(\.address) == ["bob@example.org"])
        #expect(try await alice.inbox().isEmpty)
        await alice.close()
    }

    @Test func twoClientsAreStrangersToEachOther() async throws {
        async let first = client("alice@example.org", in: folder)
        async let second = client("bob@example.org", in: folder)
        let (alice, bob) = try await (first, second)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask { _ = try await alice.sendText(to: "bob@example.org", text: "\(number)") }
                group.addTask { _ = try await bob.addContact(address: "friend-\(number)@example.org") }
            }
            try await group.waitForAll()
        }
        #expect(try await alice.outbox().count == 20)
        #expect(try await bob.contacts().count == 20)
        #expect(try await bob.outbox().isEmpty)
        await alice.close()
        await bob.close()
    }

    @Test func closingEndsWhatIsUnderWay() async throws {
        let alice = try await client("alice@example.org", in: folder)
        let sent = try await alice.sendText(to: "bob@example.org", text: "Hello Bob")
        try alice.start()
        #expect(alice.isRunning())
        let waiting = Task { try await alice.waitDelivered(id: sent.id) }
        await alice.close()
        await #expect(throws: ZephyrError.Closed) { try await waiting.value }
        await #expect(throws: ZephyrError.Closed) { try await alice.contacts() }
        #expect(throws: ZephyrError.Closed) { try alice.start() }
        #expect(!alice.isRunning())
        await alice.close()
    }
}
