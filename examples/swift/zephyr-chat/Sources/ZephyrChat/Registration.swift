import Zephyr

/// Has every PKG mail a code, and asks for them until all have been confirmed.
func register(_ client: ZephyrClient, _ lines: AsyncStream<String>) async throws {
    if try await client.registration().allSatisfy({ $0.state == .registered }) { return }
    for answer in try await client.register() {
        switch answer.outcome {
        case .done(.codeSent): try await confirm(answer, client, lines)
        case .done(.waiting(let until)): throw ZephyrError.Waiting(until: until)
        case .done: break
        case .failed(let error): throw error
        }
    }
    say("registered")
}

private func confirm(_ pkg: PkgAnswer, _ client: ZephyrClient, _ lines: AsyncStream<String>) async throws {
    var codes = lines.makeAsyncIterator()
    while true {
        // The mail must show the same fingerprint.
        say("code? \(pkg.name) \(pkg.fingerprint)")
        guard let code = await codes.next() else { throw Stopped(description: "no code was entered") }
        do {
            let reply = try await client.confirm(pkg: pkg.pkg, code: code)
            if case .waiting(let until) = reply { throw ZephyrError.Waiting(until: until) }
            return
        } catch ZephyrError.InvalidCode(let reason) {
            say("error: \(reason)")
        } catch ZephyrError.WrongCode(let triesLeft) where triesLeft > 0 {
            say("error: \(ZephyrError.WrongCode(triesLeft: triesLeft))")
        }
    }
}
