//! Two people with their keys of the round.

use zephyr_core::{Address, Identity, KeyShare, Point, Portable, PrivateKey};
use zephyr_core::{Pairing, RoundContext};

use crate::{
    network::{Network, PKGS},
    report::Report,
};

/// Somebody with a private key of the round.
pub struct Person {
    /// The address and its points.
    pub identity: Identity<Portable>,
    /// The private key, summed from the shares of all PKGs.
    pub key: PrivateKey<Portable>,
}

/// What everybody knows of the round, and the two that write to each other.
pub struct People<'a> {
    /// The round with its public key.
    pub round: &'a RoundContext<Portable>,
    /// The sender.
    pub alice: Person,
    /// The recipient.
    pub bob: Person,
}

impl<'a> People<'a> {
    /// Gives both people their keys.
    #[inline(never)]
    pub fn new(report: &mut Report, network: &'a Network<'_>) -> Self {
        curve(report);
        let alice = person(report, "alice@example.org", network);
        let bob = person(report, "bob@example.org", network);
        Self { round: &network.context, alice, bob }
    }
}

/// The two operations of which everything else is made.
#[inline(never)]
fn curve(report: &mut Report) {
    type G1 = <Portable as Pairing>::G1;
    type G2 = <Portable as Pairing>::G2;
    let (label, message) = (b"ZEPHYR-V1-SELFTEST", b"alice@example.org");
    let p = report.step("hash to G1", || <G1 as Point<_>>::hash(label, message));
    let q = report.step("hash to G2", || <G2 as Point<_>>::hash(label, message));
    let q = Portable::prepare(&q);
    let gt = report.step("one pairing", || Portable::pair(&p, &q));
    let other = Portable::pair(&p.neg(), &q);
    assert!(*gt != *other, "the pairing doesn't depend on its points");
}

#[inline(never)]
fn person(report: &mut Report, address: &str, network: &Network<'_>) -> Person {
    let (id, round) = (network.manifest.network(), &network.context);
    let address = Address::parse(address).expect("it is an address");
    let identity = report.step("identity: hash an address to G1 and G2", || {
        Identity::<Portable>::new(id, address.clone())
    });
    let shares: [_; PKGS] = core::array::from_fn(|i| {
        let bytes = report
            .step("PKG: extract a share", || network.secrets[i].extract(id, &address))
            .to_bytes();
        report.step("decode a share", || {
            KeyShare::<Portable>::from_bytes(&bytes).expect("the share is on the curve")
        })
    });
    let [one, two, three] = shares;
    let (part, sum) = (one.add(&two), one.add(&two).add(&three));
    assert!(
        PrivateKey::from_sum(part, &identity, round.key()).is_err(),
        "a part of a private key was taken"
    );
    let key = report.step("check the sum of 3 shares", || {
        PrivateKey::from_sum(sum, &identity, round.key()).expect("the shares are right")
    });
    Person { identity, key }
}
