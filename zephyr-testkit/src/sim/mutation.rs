//! Rules that can be broken on purpose, to see that the simulation notices. They are broken here, never in the code
//! that is simulated.

/// A rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mutation {
    /// A client writes down that a fragment has arrived in one transaction, and the fragment in the next.
    AcknowledgesBeforeItStores,
    /// A client doesn't write down which slots it has used.
    ForgetsItsSlots,
    /// A client hands a message over again when it comes again.
    TakesCopies,
    /// A client hands messages over as they come.
    TakesAnyOrder,
    /// A client doesn't send again what was not acknowledged.
    NeverSendsAgain,
    /// A client sends a packet only when it has something to say.
    SendsOnlyWhenItWrites,
    /// Mixers sign whatever they are asked to, and count as honest.
    SignsTwice,
    /// All mixers are corrupt, more than there may be.
    TooManyCorrupt,
    /// Mixers send their signature before it has been written down.
    SignsBeforeItStores,
    /// Mixers mix copies of a packet, too.
    MixesCopies,
    /// The first mixer sends nothing on, although the network can't do without it.
    NeverSends,
}

impl Mutation {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::AcknowledgesBeforeItStores,
        Self::ForgetsItsSlots,
        Self::TakesCopies,
        Self::TakesAnyOrder,
        Self::NeverSendsAgain,
        Self::SendsOnlyWhenItWrites,
        Self::SignsTwice,
        Self::TooManyCorrupt,
        Self::SignsBeforeItStores,
        Self::MixesCopies,
        Self::NeverSends,
    ];

    /// What the simulation says of it: one of these.
    pub fn noticed_as(self) -> &'static [&'static str] {
        match self {
            Self::AcknowledgesBeforeItStores => {
                &["does not have it", "altered", "before an earlier one"]
            }
            Self::ForgetsItsSlots => &["packets in round"],
            Self::TakesCopies => &["for the second time"],
            Self::TakesAnyOrder => &["before an earlier one"],
            Self::NeverSendsAgain | Self::NeverSends => &["have not arrived"],
            Self::SendsOnlyWhenItWrites => &["packets in round"],
            Self::SignsTwice => &["has signed two directories"],
            Self::TooManyCorrupt => &["has two valid directories"],
            Self::SignsBeforeItStores => &["has not written down"],
            Self::MixesCopies => &["has mixed a packet twice"],
        }
    }
}
