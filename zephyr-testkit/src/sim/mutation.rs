//! Rules that can be broken on purpose, to see that the simulation notices.

/// A rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mutation {
    /// A client writes down that a fragment has arrived before it writes down the fragment.
    AcknowledgesBeforeItStores,
    /// A client doesn't write down which slots it has used.
    ForgetsItsSlots,
    /// A client hands the same message over again when it comes again.
    TakesCopies,
    /// A mixer's disk loses what was signed last.
    ForgetsWhatItSigned,
    /// A mixer sends its signature before it has been written down.
    SignsBeforeItStores,
    /// A mixer peels copies of a packet, too.
    MixesCopies,
    /// A mixer never gives up trying to be in rounds, and never sends: although nobody may be corrupt.
    NeverSends,
    /// A client says more when it has something to say.
    SendsOnlyWhenItWrites,
    /// A mailbox server acknowledges what it has not stored.
    AcknowledgesWhatItLoses,
}
