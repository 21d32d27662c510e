//! Writes the vectors, by the book and not by the core, from fixed inputs.

mod ibe;
mod identity;
mod onion;
mod seal;

use bls12_381::{G1Affine, G1Projective, G2Affine, Scalar};
use zephyr_core::Scalar as _;

use crate::common::reference::{self, g1};

pub fn all() {
    identity::write();
    ibe::write();
    seal::write();
    onion::write();
}

pub const NETWORK: [u8; 32] = [0x4e; 32];
pub const ROUND: u64 = 1_000_001;
pub const DIRECTORY: [u8; 32] = [0xd1; 32];

/// A scalar, named.
pub fn scalar(name: &str) -> Scalar {
    Scalar::from_wide(&reference::kdf("TAG", name.as_bytes(), &[]))
}

/// 32 bytes, named.
pub fn bytes(name: &str) -> [u8; 32] {
    reference::kdf("TAG", name.as_bytes(), &[])
}

/// A PKG that keeps no secret from us.
#[derive(Clone)]
pub struct Pkg {
    pub id: [u8; 32],
    pub s: Scalar,
    pub k: Scalar,
}

impl Pkg {
    pub fn new(i: usize) -> Self {
        let name = |what: &str| format!("pkg {i} {what}");
        Self { id: bytes(&name("id")), s: scalar(&name("secret")), k: scalar(&name("commitment")) }
    }

    pub fn p1(&self) -> G1Affine {
        (G1Affine::generator() * self.s).into()
    }

    pub fn p2(&self) -> G2Affine {
        (G2Affine::generator() * self.s).into()
    }

    pub fn points(&self) -> Vec<u8> {
        [&g1(&self.p1())[..], &self.p2().to_compressed()].concat()
    }

    /// Challenge and response for any two points, made with this PKG's secret.
    pub fn proof(&self, network: &[u8; 32], round: u64, points: &[u8]) -> Vec<u8> {
        let t1 = G1Affine::from(G1Affine::generator() * self.k).to_compressed();
        let t2 = G2Affine::from(G2Affine::generator() * self.k).to_compressed();
        let (p1, p2) = points.split_at(48);
        let parts: [&[u8]; 7] = [network, &round.to_be_bytes(), &self.id, p1, p2, &t1, &t2];
        let wide = reference::kdf("PKG-PROOF", &[], &parts);
        let c = Scalar::from_wide(&wide);
        let z = self.k + c * self.s;
        [zephyr_core::Scalar::to_bytes(&c), zephyr_core::Scalar::to_bytes(&z)].concat()
    }

    pub fn key(&self) -> Vec<u8> {
        let points = self.points();
        [&points[..], &self.proof(&NETWORK, ROUND, &points)].concat()
    }

    /// d1 ‖ d2.
    pub fn share(&self, network: &[u8; 32], address: &str) -> Vec<u8> {
        share(self.s, network, address)
    }
}

/// The share, or the private key, that belongs to a secret.
pub fn share(s: Scalar, network: &[u8; 32], address: &str) -> Vec<u8> {
    let d1 = G1Affine::from(reference::q1(network, address) * s);
    let d2 = G2Affine::from(reference::q2(network, address) * s);
    [&g1(&d1)[..], &d2.to_compressed()].concat()
}

/// The two PKGs of the round.
pub fn pkgs() -> [Pkg; 2] {
    [Pkg::new(0), Pkg::new(1)]
}

/// A point of the curve of G1 outside of the subgroup.
pub fn outside_of_g1() -> G1Affine {
    (0u8..)
        .find_map(|x| {
            let mut bytes = [0; 48];
            (bytes[0], bytes[47]) = (0x80, x);
            Option::from(G1Affine::from_compressed_unchecked(&bytes))
                .filter(|p: &G1Affine| !bool::from(p.is_torsion_free()))
        })
        .expect("there are many")
}

/// A point whose order divides G1's cofactor: q·P as (q - 1)·P + P.
pub fn small_order() -> G1Affine {
    let point = outside_of_g1();
    G1Affine::from(point * -Scalar::one() + G1Projective::from(point))
}

/// The encoding of an x without a y.
pub fn off_curve() -> [u8; 48] {
    (0u8..)
        .map(|x| {
            let mut bytes = [0; 48];
            (bytes[0], bytes[47]) = (0x80, x);
            bytes
        })
        .find(|bytes| bool::from(G1Affine::from_compressed_unchecked(bytes).is_none()))
        .expect("there are many")
}
