//! Canonical postcard.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};

/// The longest message in bytes: a Noise message of 65,535 less its tag of 16.
pub const MAX_FRAME: usize = 65_535 - 16;

/// Why bytes are no message, or a message does not become bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes are not the canonical encoding of such a message.
    Malformed,
    /// The message is longer than the buffer or than a frame.
    TooLong,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the message is malformed",
            Self::TooLong => "the message is too long for a frame",
        })
    }
}

impl core::error::Error for WireError {}

/// Encodes `message` into `out` and returns the bytes written.
///
/// # Errors
/// [`WireError::TooLong`] if `out` is too short.
pub fn encode<'b>(message: &impl Serialize, out: &'b mut [u8]) -> Result<&'b mut [u8], WireError> {
    postcard::to_slice(message, out).map_err(|_| WireError::TooLong)
}

/// Decodes a message that is the whole of `bytes`, and only in its canonical encoding: bytes left over and
/// overlong integers are refused.
///
/// # Errors
/// [`WireError::Malformed`].
pub fn decode<'a, T: Deserialize<'a> + Serialize>(bytes: &'a [u8]) -> Result<T, WireError> {
    let (message, rest) = postcard::take_from_bytes(bytes).map_err(|_| WireError::Malformed)?;
    let canonical = postcard::serialize_with_flavor(&message, Compare { expected: bytes });
    if rest.is_empty() && canonical.is_ok_and(|unmatched: &[u8]| unmatched.is_empty()) {
        Ok(message)
    } else {
        Err(WireError::Malformed)
    }
}

/// Compares what is serialised with what was received, without a buffer.
struct Compare<'a> {
    expected: &'a [u8],
}

impl<'a> postcard::ser_flavors::Flavor for Compare<'a> {
    type Output = &'a [u8];

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.expected =
            self.expected.strip_prefix(bytes).ok_or(postcard::Error::SerializeBufferFull)?;
        Ok(())
    }

    fn finalize(self) -> postcard::Result<&'a [u8]> {
        Ok(self.expected)
    }
}

/// `N` raw bytes, encoded without a length: serde derives no arrays over 32.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bytes<const N: usize>(pub [u8; N]);

impl<const N: usize> Serialize for Bytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(N)?;
        for byte in &self.0 {
            tuple.serialize_element(byte)?;
        }
        tuple.end()
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Raw<const N: usize>;
        impl<'de, const N: usize> Visitor<'de> for Raw<N> {
            type Value = Bytes<N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{N} bytes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Bytes<N>, A::Error> {
                let mut bytes = [0; N];
                for (i, byte) in bytes.iter_mut().enumerate() {
                    *byte =
                        seq.next_element()?.ok_or_else(|| A::Error::invalid_length(i, &self))?;
                }
                Ok(Bytes(bytes))
            }
        }
        deserializer.deserialize_tuple(N, Raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_encoding_is_taken() {
        let mut buffer = [0; 8];
        let bytes = encode(&300u32, &mut buffer).unwrap();
        assert_eq!(bytes, [0xac, 0x02]);
        assert_eq!(decode::<u32>(&[0xac, 0x02]), Ok(300));
        assert_eq!(decode::<u32>(&[0xac, 0x02, 0]), Err(WireError::Malformed), "left over");
        assert_eq!(decode::<u32>(&[0xac, 0x82, 0]), Err(WireError::Malformed), "overlong");
        assert_eq!(decode::<u32>(&[0xac]), Err(WireError::Malformed), "cut off");
        let address = [Bytes([1u8; 64])];
        let mut buffer = [0; 64];
        assert_eq!(encode(&address, &mut buffer).unwrap(), [1; 64]);
        assert_eq!(decode::<Bytes<64>>(&[2; 64]), Ok(Bytes([2; 64])));
        assert_eq!(decode::<Bytes<64>>(&[2; 63]), Err(WireError::Malformed));
    }
}
