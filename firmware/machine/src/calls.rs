//! Which words of a stack are addresses to return to.

/// Whether a call in Thumb code ends before an address: `bl`, or `blx` with a register.
#[cfg(any(test, target_arch = "arm"))]
pub fn is_thumb_call([first, second]: [u16; 2]) -> bool {
    let with_address = first & 0xf800 == 0xf000 && second & 0xd000 == 0xd000;
    with_address || second & 0xff87 == 0x4780
}

/// Whether a call in RISC-V code ends before an address: `jal` or `jalr` that put the address into `ra`, or their
/// compressed forms.
#[cfg(any(test, target_arch = "riscv32"))]
pub fn is_riscv_call([first, second]: [u16; 2]) -> bool {
    let compressed = second & 0xe003 == 0x2001 || second & 0xf07f == 0x9002;
    matches!(first & 0xfff, 0x0ef | 0x0e7) || compressed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_in_thumb_code_are_told_from_other_instructions() {
        assert!(is_thumb_call([0xf7ff, 0xfffe]), "bl");
        assert!(is_thumb_call([0x4620, 0x4798]), "mov r0, r4; blx r3");
        assert!(!is_thumb_call([0x4620, 0x4718]), "mov r0, r4; bx r3");
        assert!(!is_thumb_call([0xf04f, 0x0001]), "mov.w r0, #1");
    }

    #[test]
    fn calls_in_riscv_code_are_told_from_other_instructions() {
        assert!(is_riscv_call([0x00ef, 0x0040]), "jal ra, 4");
        assert!(is_riscv_call([0x80e7, 0x0000]), "jalr ra, ra");
        assert!(is_riscv_call([0x0001, 0x9082]), "nop; jalr ra");
        assert!(is_riscv_call([0x0001, 0x2011]), "nop; jal 4");
        assert!(!is_riscv_call([0x0001, 0x8082]), "nop; ret");
        assert!(!is_riscv_call([0x0513, 0x0010]), "li a0, 1");
    }
}
