//! Reading and writing fixed layouts: big-endian integers and raw bytes one after the other.

/// Reads from the front of a slice; every method gives `None` when too little is left.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn slice(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.slice(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        Some(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A text with its length in one byte before it.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let len = self.u8()?;
        core::str::from_utf8(self.slice(len.into())?).ok()
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Writes to the front of a slice; once it is full, [`Writer::finish`] gives `None`.
pub(crate) struct Writer<'b> {
    out: &'b mut [u8],
    len: usize,
    full: bool,
}

impl<'b> Writer<'b> {
    pub(crate) fn new(out: &'b mut [u8]) -> Self {
        Self { out, len: 0, full: false }
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> &mut Self {
        match self.out.get_mut(self.len..self.len + bytes.len()) {
            Some(space) => space.copy_from_slice(bytes),
            None => self.full = true,
        }
        self.len += bytes.len();
        self
    }

    /// A text of at most 255 bytes with its length in one byte before it.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        match u8::try_from(text.len()) {
            Ok(len) => self.put(&[len]).put(text.as_bytes()),
            Err(_) => {
                self.full = true;
                self
            }
        }
    }

    pub(crate) fn finish(self) -> Option<usize> {
        (!self.full).then_some(self.len)
    }
}
