import Foundation
import Testing
import Zephyr

/// Errors tell an application what it can act on, and people what to do.
@Suite struct ErrorTests {
    let folder: Folder

    init() throws {
        folder = try Folder()
    }

    @Test func whatIsNoAddressIsRefused() async throws {
        let alice = try await client("alice@example.org", in: folder)
        do {
            _ = try await alice.sendText(to: "bob", text: "Hello")
            Issue.record("it was taken")
        } catch ZephyrError.InvalidAddress(let problem, let reason) {
            #expect(problem == "NoAt")
            #expect(!reason.isEmpty)
        }
        await alice.close()
    }

    @Test func whatCannotBeSentIsRefused() async throws {
        let alice = try await client("alice@example.org", in: folder)
        await #expect(throws: ZephyrError.OwnAddress) {
            try await alice.sendText(to: "alice@example.org", text: "Hello")
        }
        await #expect(throws: ZephyrError.EmptyText) { try await alice.sendText(to: "bob@example.org", text: "") }
        do {
            let bytes = Data(count: 2_000_000)
            _ = try await alice.sendFile(to: "bob@example.org", bytes: bytes)
            Issue.record("it was taken")
        } catch ZephyrError.TooLong(let len, let max) {
            #expect(len == 2_000_000 && max < len)
        }
        #expect(try await alice.outbox().isEmpty)
        await alice.close()
    }

    @Test func whatIsNoNetworkIsRefused() async throws {
        let altered = sampleNetwork.replacingOccurrences(of: "hops = 3", with: "hops = 4")
        for text in ["", "id = 1", altered] {
            do {
                _ = try await ZephyrClient.create(
                    directory: folder.path("home"), address: "alice@example.org", networkFile: text
                )
                Issue.record("it was taken")
            } catch ZephyrError.InvalidNetwork {}
        }
    }

    @Test func aHomeBelongsToOneAddress() async throws {
        let path = folder.path("home")
        await #expect(throws: ZephyrError.NoHome(directory: path)) { try await ZephyrClient.open(directory: path) }
        let alice = try await ZephyrClient.create(
            directory: path, address: "alice@example.org", networkFile: sampleNetwork
        )
        await alice.close()
        await #expect(throws: ZephyrError.OtherAddress(address: "alice@example.org")) {
            try await ZephyrClient.create(directory: path, address: "bob@example.org", networkFile: sampleNetwork)
        }
    }

    @Test func whatIsNoCodeIsNotBrought() async throws {
        let alice = try await client("alice@example.org", in: folder)
        do {
            _ = try await alice.confirm(pkg: 0, code: "short")
            Issue.record("it was taken")
        } catch ZephyrError.InvalidCode {}
        await #expect(throws: ZephyrError.NoSuchPkg(pkg: 2, count: 2)) {
            try await alice.confirm(pkg: 2, code: "abcd-efgh")
        }
        await #expect(throws: ZephyrError.NoMessage(id: 9)) { try await alice.delivery(id: 9) }
        await alice.close()
    }

    @Test func errorsAreSentences() {
        let error = ZephyrError.WrongCode(triesLeft: 2)
        #expect(error.sentence() == "the code is wrong: compare it with the mail (tries left: 2)")
        #expect("\(error)" == error.sentence())
        #expect(error.localizedDescription == error.sentence())
    }

    @Test func argumentsOfBlocksAreChecked() {
        #expect(throws: ProtocolError.self) {
            try addressMailbox(address: "alice@example.org", networkId: Data(count: 31), mailboxes: 1)
        }
        #expect(throws: ProtocolError.self) {
            try addressMailbox(address: "Alice@example.org", networkId: Data(count: 32), mailboxes: 1)
        }
        #expect(throws: ProtocolError.self) {
            try addressMailbox(address: "alice@example.org", networkId: Data(count: 32), mailboxes: 0)
        }
    }
}
