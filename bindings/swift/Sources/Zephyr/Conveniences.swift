// What Swift programmers expect of the types that the library gives.

extension Message {
    /// What it says, if it is text.
    public var text: String? {
        if case .text(let text) = content { text } else { nil }
    }
}

/// "\(error)" and `error.localizedDescription` are a sentence that says what is wrong and what to do.
extension ZephyrError: CustomStringConvertible {
    public var description: String { sentence() }
}

/// "\(error)" and `error.localizedDescription` are a sentence that says what is wrong.
extension ProtocolError: CustomStringConvertible {
    public var description: String { sentence() }
}
