//! The one-time codes that PKGs mail.

use core::fmt;
use core::str::FromStr;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bits of chance in a code: with a handful of tries for each, guessing one is hopeless.
pub const CODE_BITS: usize = 40;

const SIZE: usize = CODE_BITS / 8;
const DIGITS: usize = CODE_BITS / 5;
/// Crockford's base 32: no I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// How the line of a mail begins that names the code.
const LINE: &str = "Code: ";

/// A one-time code of 40 bits: eight digits of Crockford's base 32, shown as `XXXX-XXXX`. On the wire 5 bytes.
///
/// Compared in constant time, wiped on drop, and not shown by `Debug`.
#[derive(Clone, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
pub struct Code([u8; SIZE]);

/// A text is not a code: codes have eight letters and digits, such as `7GK2-M0QX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeError;

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a code has eight letters and digits, such as 7GK2-M0QX: copy it from the mail")
    }
}

impl core::error::Error for CodeError {}

impl Code {
    /// A code nobody can guess.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; SIZE];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Reads a code as people type it: upper or lower case, with or without the hyphen and blanks, O for 0, I or L
    /// for 1.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        let (mut value, mut digits) = (0u64, 0);
        for c in text.bytes().filter(|c| !b" \t\r\n-".contains(c)) {
            let c = match c.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                c => c,
            };
            let digit = ALPHABET.iter().position(|&a| a == c).ok_or(CodeError)?;
            digits += 1;
            if digits > DIGITS {
                return Err(CodeError);
            }
            value = value << 5 | digit as u64;
        }
        if digits != DIGITS {
            return Err(CodeError);
        }
        value.to_be_bytes().last_chunk().map(|bytes| Self(*bytes)).ok_or(CodeError)
    }

    /// The code that the text of a PKG's mail names in its line `Code: XXXX-XXXX`.
    pub fn find(mail: &str) -> Option<Self> {
        mail.lines().find_map(|line| Self::parse(line.strip_prefix(LINE)?).ok())
    }

    /// Its 5 bytes.
    pub fn as_bytes(&self) -> &[u8; SIZE] {
        &self.0
    }
}

impl ConstantTimeEq for Code {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Code {}

impl FromStr for Code {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        Self::parse(text)
    }
}

/// `XXXX-XXXX`.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.0.iter().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
        for i in (0..DIGITS).rev() {
            let digit = ALPHABET[(value >> (5 * i)) as usize & 31];
            write!(f, "{}{}", char::from(digit), if i == DIGITS / 2 { "-" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;

    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_shown_and_as_people_type_it() {
        let code = Code([0x01, 0x23, 0x45, 0x67, 0x89]);
        assert_eq!(format!("{code}"), "04HM-ASW9");
        for text in ["04HM-ASW9", "04hmasw9", " O4hm asw9\n", "0-4-H-M-A-S-W-9"] {
            assert_eq!(Code::parse(text), Ok(code.clone()), "{text}");
        }
        assert_eq!(Code::parse("iI1L-lOo0"), Code::parse("1111-1000"));
        assert_eq!(format!("{}", Code([0xff; 5])), "ZZZZ-ZZZZ");
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in ["", "04HM-ASW", "04HM-ASW90", "04HM-ASWU", "04HM_ASW9", "04HM-ASW\u{e4}"] {
            assert_eq!(Code::parse(text), Err(CodeError), "{text}");
        }
    }

    #[test]
    fn the_code_is_found_in_a_mail() {
        let mail = "Subject: Code: none\r\n\r\nSomebody asked.\r\nCode: 04HM-ASW9\r\nBye\r\n";
        assert_eq!(Code::find(mail), Code::parse("04HM-ASW9").ok());
        assert_eq!(Code::find("the Code: 04HM-ASW9"), None);
    }
}
