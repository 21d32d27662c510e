//! Two people, two PKGs, and the keys of one round.

use zephyr_core::{
    Address, DirectoryHash, Hedge, Identity, KeyShare, MasterSecret, NetworkId, PkgKey, Portable,
    PrivateKey, Round, RoundContext, RoundKey, ServerId,
};

use crate::{report::Report, rng::TestRng};

const NETWORK: NetworkId = NetworkId::from_bytes([1; 32]);
const DIRECTORY: DirectoryHash = DirectoryHash::from_bytes([2; 32]);
const ROUND: Round = Round(7);
const PKGS: [ServerId; 2] = [ServerId::from_bytes([3; 32]), ServerId::from_bytes([4; 32])];

/// Somebody with a private key of the round.
pub struct Person {
    /// The address and its points.
    pub identity: Identity<Portable>,
    /// The private key, summed from the shares of both PKGs.
    pub key: PrivateKey<Portable>,
}

/// What everybody knows of the round, and the two that write to each other.
pub struct People {
    /// The round with its public key.
    pub round: RoundContext<Portable>,
    /// The sender.
    pub alice: Person,
    /// The recipient.
    pub bob: Person,
}

impl People {
    /// Lets both PKGs make their keys, and gives both people theirs.
    #[inline(never)]
    pub fn new(report: &mut Report, rng: &mut TestRng) -> Self {
        let (secrets, round_key) = round_key(report, rng);
        let round = RoundContext::new(NETWORK, ROUND, DIRECTORY, round_key);
        let alice = person(report, "alice@example.org", &secrets, &round);
        let bob = person(report, "bob@example.org", &secrets, &round);
        Self { round, alice, bob }
    }
}

#[inline(never)]
fn round_key(
    report: &mut Report,
    rng: &mut TestRng,
) -> ([MasterSecret<Portable>; 2], RoundKey<Portable>) {
    let made = PKGS.map(|pkg| {
        let mut hedge = Hedge::new(*pkg.as_bytes(), 0);
        let secret = MasterSecret::<Portable>::generate(rng, &mut hedge);
        let public = report.step("PKG: public key with proof", || {
            secret.public_key(&NETWORK, ROUND, &pkg, rng, &mut hedge)
        });
        let verified = report.step("verify a PKG's proof", || {
            PkgKey::<Portable>::verify(&public, &NETWORK, ROUND, &pkg).expect("the proof is right")
        });
        (pkg, secret, public, verified)
    });
    let [(.., public, _), (other, ..)] = &made;
    assert!(
        PkgKey::<Portable>::verify(public, &NETWORK, ROUND, other).is_err(),
        "a borrowed proof was taken"
    );
    let [(_, first, _, one), (_, second, _, two)] = made;
    let sum = RoundKey::sum([one, two]).expect("the sum is not infinity");
    ([first, second], sum)
}

#[inline(never)]
fn person(
    report: &mut Report,
    address: &str,
    secrets: &[MasterSecret<Portable>; 2],
    round: &RoundContext<Portable>,
) -> Person {
    let address = Address::parse(address).expect("it is an address");
    let identity = report.step("identity: hash an address to G1 and G2", || {
        Identity::<Portable>::new(&NETWORK, address.clone())
    });
    let shares = secrets.each_ref().map(|secret| {
        let share = report.step("PKG: extract a share", || secret.extract(&NETWORK, &address));
        let bytes = share.to_bytes();
        report.step("decode a share", || {
            KeyShare::<Portable>::from_bytes(&bytes).expect("the share is on the curve")
        })
    });
    let [one, two] = shares;
    let sum = one.add(&two);
    assert!(
        PrivateKey::from_sum(one, &identity, round.key()).is_err(),
        "half of a private key was taken"
    );
    let key = report.step("check and make the private key", || {
        PrivateKey::from_sum(sum, &identity, round.key()).expect("the shares are right")
    });
    Person { identity, key }
}
