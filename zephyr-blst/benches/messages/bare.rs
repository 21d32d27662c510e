//! blst by itself: what the operations can't do without, and nothing around it.

use std::hint::black_box;

use blst::*;

/// Every scalar below the group order has at most this many bits.
const SCALAR_BITS: usize = 255;

/// Points and a scalar to compute with.
pub struct Bare {
    g1: blst_p1,
    g2: blst_p2,
    affine: blst_p1_affine,
    lines: [blst_fp6; 68],
    scalar: blst_scalar,
}

impl Bare {
    pub fn new() -> Self {
        let mut bare = Self {
            g1: blst_p1::default(),
            g2: blst_p2::default(),
            affine: blst_p1_affine::default(),
            lines: [blst_fp6::default(); 68],
            scalar: blst_scalar::default(),
        };
        let mut q = blst_p2_affine::default();
        // SAFETY: all that is written is a field of `bare` or `q`, all that is read was written before; the bytes are
        // 64, as announced.
        unsafe {
            blst_scalar_from_be_bytes(&mut bare.scalar, [0x5a; 64].as_ptr(), 64);
            bare.g1 = hash_to_g1(b"bare");
            bare.g2 = hash_to_g2(b"bare");
            blst_p1_to_affine(&mut bare.affine, &bare.g1);
            blst_p2_to_affine(&mut q, &bare.g2);
            blst_precompute_lines(bare.lines.as_mut_ptr(), &q);
        }
        bare
    }

    /// Decoding U, the Miller loop with prepared lines, the final exponentiation.
    pub fn trial(&self, u: &[u8; 48]) {
        let mut p = blst_p1_affine::default();
        // SAFETY: `p` is writable, `u` readable for the length that the function takes.
        let result = unsafe { blst_p1_uncompress(&mut p, black_box(u).as_ptr()) };
        assert_eq!(result, BLST_ERROR::BLST_SUCCESS);
        self.pair(&p);
    }

    /// A multiplication of G1's generator, one of another point, a prepared pairing.
    pub fn seal(&self) {
        // SAFETY: the function returns the address of a constant.
        let generator = unsafe { &*blst_p1_generator() };
        self.g1_mul(generator);
        self.g1_mul(&self.g1);
        self.pair(&self.affine);
    }

    /// Hashes to both groups, a multiplication in each.
    pub fn extract(&self, message: &[u8]) {
        self.g1_mul(&hash_to_g1(message));
        let (q, mut product) = (hash_to_g2(message), blst_p2::default());
        // SAFETY: `product` is writable, the point and the scalar's 32 bytes are readable.
        unsafe { blst_p2_mult(&mut product, &q, self.scalar.b.as_ptr(), SCALAR_BITS) };
        black_box(product);
    }

    fn g1_mul(&self, p: &blst_p1) {
        let mut product = blst_p1::default();
        // SAFETY: `product` is writable, the point and the scalar's 32 bytes are readable.
        unsafe { blst_p1_mult(&mut product, black_box(p), self.scalar.b.as_ptr(), SCALAR_BITS) };
        black_box(product);
    }

    fn pair(&self, p: &blst_p1_affine) {
        let (mut f, mut gt) = (blst_fp12::default(), blst_fp12::default());
        // SAFETY: `f` and `gt` are writable; the 68 lines, `p` and `f` are readable.
        unsafe {
            blst_miller_loop_lines(&mut f, self.lines.as_ptr(), black_box(p));
            blst_final_exp(&mut gt, &f);
        }
        black_box(gt);
    }
}

const DST: &[u8] = b"ZEPHYR-V1-IDENTITY-BLS12381G2_XMD:SHA-256_SSWU_RO_";

macro_rules! hash {
    ($name:ident, $point:ty, $hash:ident) => {
        fn $name(message: &[u8]) -> $point {
            let (mut p, dst, none) = (<$point>::default(), DST, std::ptr::null());
            let (bytes, len) = (black_box(message).as_ptr(), message.len());
            // SAFETY: `p` is writable, message and tag are readable for the lengths announced; nothing is augmented.
            unsafe { $hash(&mut p, bytes, len, dst.as_ptr(), dst.len(), none, 0) };
            p
        }
    };
}

hash!(hash_to_g1, blst_p1, blst_hash_to_g1);
hash!(hash_to_g2, blst_p2, blst_hash_to_g2);
