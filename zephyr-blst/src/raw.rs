//! Calls into blst, each behind a function that is safe for every argument.
//!
//! blst keeps no state and no pointer beyond a call. Its types are plain arrays of limbs of which every bit pattern is
//! initialised memory; points and field elements here come from blst itself, from `Default` or from wiping, so
//! they are in its Montgomery form, and zeros are infinity.

use blst::*;

/// The lines of a Miller loop, in the layout of `blst_precompute_lines`.
pub(crate) type Lines = [blst_fp6; 68];

/// Every scalar below the group order has at most this many bits.
const SCALAR_BITS: usize = 255;

/// Reduces 64 bytes, big-endian, modulo the group order.
pub(crate) fn scalar_from_wide(bytes: &[u8; 64]) -> blst_scalar {
    let mut out = blst_scalar::default();
    // SAFETY: `out` is writable, `bytes` readable for the 64 bytes announced.
    unsafe { blst_scalar_from_be_bytes(&mut out, bytes.as_ptr(), bytes.len()) };
    out
}

/// Reads 32 bytes, big-endian; `None` if they are not below the group order.
pub(crate) fn scalar_from_bytes(bytes: &[u8; 32]) -> Option<blst_scalar> {
    let mut out = blst_scalar::default();
    // SAFETY: `out` is writable, `bytes` readable for the 32 bytes that the function takes.
    unsafe { blst_scalar_from_bendian(&mut out, bytes.as_ptr()) };
    // SAFETY: `out` is readable.
    unsafe { blst_scalar_fr_check(&out) }.then_some(out)
}

/// Writes 32 bytes, big-endian.
pub(crate) fn scalar_to_bytes(scalar: &blst_scalar) -> [u8; 32] {
    let mut out = [0; 32];
    // SAFETY: `out` is writable for the 32 bytes that the function writes, `scalar` readable.
    unsafe { blst_bendian_from_scalar(out.as_mut_ptr(), scalar) };
    out
}

/// The scalar, which is below the group order, as an element of the field.
pub(crate) fn fr_from_scalar(scalar: &blst_scalar) -> blst_fr {
    let mut out = blst_fr::default();
    // SAFETY: `out` is writable, `scalar` readable.
    unsafe { blst_fr_from_scalar(&mut out, scalar) };
    out
}

/// `fr = fr · factor + summand`, as a scalar.
pub(crate) fn fr_mul_add(fr: &mut blst_fr, factor: &blst_fr, summand: &blst_fr) -> blst_scalar {
    let out: *mut blst_fr = fr;
    let mut scalar = blst_scalar::default();
    // SAFETY: `out` comes from a unique reference and is the only way it is used here; blst's field operations
    // allow the result to be an operand. `factor` and `summand` are readable, `scalar` is writable.
    unsafe {
        blst_fr_mul(out, out, factor);
        blst_fr_add(out, out, summand);
        blst_scalar_from_fr(&mut scalar, out);
    }
    scalar
}

macro_rules! group {
    (
        $(#[$doc:meta])* $name:ident, $projective:ty, $affine:ty, $size:literal,
        $generator:ident, $hash:ident, $uncompress:ident, $in_group:ident, $compress:ident,
        $from_affine:ident, $to_affine:ident, $mult:ident, $add:ident, $cneg:ident
    ) => {
        $(#[$doc])*
        pub(crate) mod $name {
            use super::*;

            pub(crate) fn generator() -> $affine {
                // SAFETY: the function returns the address of a constant that is never written.
                unsafe { *$generator() }
            }

            pub(crate) fn hash(dst: &[u8], message: &[u8]) -> $affine {
                let mut out = <$projective>::default();
                // SAFETY: `out` is writable, both slices are readable for the lengths announced, and no augmentation
                // is announced, so its pointer is not followed.
                unsafe {
                    $hash(
                        &mut out,
                        message.as_ptr(),
                        message.len(),
                        dst.as_ptr(),
                        dst.len(),
                        core::ptr::null(),
                        0,
                    )
                };
                to_affine(&out)
            }

            /// A point of the curve, in the subgroup or not.
            pub(crate) fn uncompress(bytes: &[u8; $size]) -> Option<$affine> {
                let mut out = <$affine>::default();
                // SAFETY: `out` is writable, `bytes` readable for the length that the function takes.
                match unsafe { $uncompress(&mut out, bytes.as_ptr()) } {
                    // blst refuses x = 0 as outside of the subgroup once it has decoded it.
                    BLST_ERROR::BLST_SUCCESS | BLST_ERROR::BLST_POINT_NOT_IN_GROUP => Some(out),
                    _ => None,
                }
            }

            pub(crate) fn in_group(p: &$affine) -> bool {
                // SAFETY: `p` is readable.
                unsafe { $in_group(p) }
            }

            pub(crate) fn compress(p: &$affine) -> [u8; $size] {
                let mut out = [0; $size];
                // SAFETY: `out` is writable for the length that the function writes, `p` readable.
                unsafe { $compress(out.as_mut_ptr(), p) };
                out
            }

            pub(crate) fn from_affine(p: &$affine) -> $projective {
                let mut out = <$projective>::default();
                // SAFETY: `out` is writable, `p` readable.
                unsafe { $from_affine(&mut out, p) };
                out
            }

            pub(crate) fn to_affine(p: &$projective) -> $affine {
                let mut out = <$affine>::default();
                // SAFETY: `out` is writable, `p` readable.
                unsafe { $to_affine(&mut out, p) };
                out
            }

            /// `scalar · p` for a point of the subgroup, in constant time.
            pub(crate) fn mult(p: &$projective, scalar: &blst_scalar) -> $projective {
                let mut out = <$projective>::default();
                // SAFETY: `out` is writable, `p` readable, and the scalar readable for the 32 bytes that hold 255 bits.
                unsafe { $mult(&mut out, p, scalar.b.as_ptr(), SCALAR_BITS) };
                out
            }

            pub(crate) fn add(a: &$projective, b: &$affine) -> $projective {
                let mut out = <$projective>::default();
                // SAFETY: `out` is writable, `a` and `b` are readable.
                unsafe { $add(&mut out, a, b) };
                out
            }

            pub(crate) fn neg(p: &mut $projective) {
                // SAFETY: `p` is writable.
                unsafe { $cneg(p, true) };
            }
        }
    };
}

group!(
    /// Operations on G1.
    g1, blst_p1, blst_p1_affine, 48,
    blst_p1_affine_generator, blst_hash_to_g1, blst_p1_uncompress, blst_p1_affine_in_g1, blst_p1_affine_compress,
    blst_p1_from_affine, blst_p1_to_affine, blst_p1_mult, blst_p1_add_or_double_affine, blst_p1_cneg
);
group!(
    /// Operations on G2.
    g2, blst_p2, blst_p2_affine, 96,
    blst_p2_affine_generator, blst_hash_to_g2, blst_p2_uncompress, blst_p2_affine_in_g2, blst_p2_affine_compress,
    blst_p2_from_affine, blst_p2_to_affine, blst_p2_mult, blst_p2_add_or_double_affine, blst_p2_cneg
);

/// Fills `lines` with those of `q`, which is not infinity.
pub(crate) fn precompute_lines(lines: &mut Lines, q: &blst_p2_affine) {
    // SAFETY: `lines` is writable for the 68 elements that the function writes, `q` readable.
    unsafe { blst_precompute_lines(lines.as_mut_ptr(), q) }
}

/// The Miller loop of `p`, which is not infinity, and precomputed lines.
pub(crate) fn miller_loop_lines(p: &blst_p1_affine, lines: &Lines) -> blst_fp12 {
    let mut out = blst_fp12::default();
    // SAFETY: `out` is writable, `lines` readable for the 68 elements that the function reads, `p` readable.
    unsafe { blst_miller_loop_lines(&mut out, lines.as_ptr(), p) };
    out
}

/// The Miller loop of two points; 1 if either is infinity.
pub(crate) fn miller_loop(p: &blst_p1_affine, q: &blst_p2_affine) -> blst_fp12 {
    let mut out = blst_fp12::default();
    // SAFETY: `out` is writable, `p` and `q` are readable.
    unsafe { blst_miller_loop(&mut out, q, p) };
    out
}

/// `f` to the power that takes it into the target group.
pub(crate) fn final_exp(f: &blst_fp12) -> blst_fp12 {
    let mut out = blst_fp12::default();
    // SAFETY: `out` is writable, `f` readable.
    unsafe { blst_final_exp(&mut out, f) };
    out
}

/// Whether the final exponentiations of `a` and `b` are equal; takes one of them.
pub(crate) fn final_verify(a: &blst_fp12, b: &blst_fp12) -> bool {
    // SAFETY: `a` and `b` are readable.
    unsafe { blst_fp12_finalverify(a, b) }
}

/// Writes 48 bytes, big-endian.
pub(crate) fn fp_to_bytes(out: &mut [u8; 48], fp: &blst_fp) {
    // SAFETY: `out` is writable for the 48 bytes that the function writes, `fp` readable.
    unsafe { blst_bendian_from_fp(out.as_mut_ptr(), fp) }
}
