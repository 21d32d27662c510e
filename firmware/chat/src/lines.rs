//! Lines of text from a console, in bounded memory.

use core::fmt;

use embedded_io_async::Read;

/// Why a line can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// It has more bytes than fit.
    TooLong,
    /// It is not UTF-8.
    NotText,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => {
                "the line is too long: nothing of it was taken; send several shorter ones"
            }
            Self::NotText => {
                "the line is not UTF-8: nothing of it was taken; set the terminal to UTF-8"
            }
        })
    }
}

/// A line of at most `N` bytes, as it comes in byte by byte.
///
/// Lines end with CR, LF, or both. Backspace takes the last character back; other control characters are left out.
pub struct LineBuffer<const N: usize> {
    bytes: [u8; N],
    len: usize,
    /// More came than fits; the rest is thrown away up to the line's end.
    too_long: bool,
    /// The line is over; the next byte begins another.
    ended: bool,
    /// The last byte was CR: an LF now belongs to it.
    after_cr: bool,
}

impl<const N: usize> Default for LineBuffer<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> LineBuffer<N> {
    /// An empty line.
    pub const fn new() -> Self {
        Self { bytes: [0; N], len: 0, too_long: false, ended: false, after_cr: false }
    }

    /// Takes a byte; says whether the line is over, so that [`line`](Self::line) gives it.
    pub fn push(&mut self, byte: u8) -> bool {
        if self.ended {
            (self.len, self.too_long, self.ended) = (0, false, false);
        }
        let after_cr = core::mem::replace(&mut self.after_cr, byte == b'\r');
        match byte {
            b'\n' if after_cr => {}
            b'\r' | b'\n' => self.ended = true,
            0x08 | 0x7f => self.take_back(),
            b'\t' => self.append(b' '),
            0..0x20 => {}
            _ => self.append(byte),
        }
        self.ended
    }

    fn append(&mut self, byte: u8) {
        match self.bytes.get_mut(self.len) {
            Some(place) => {
                *place = byte;
                self.len += 1;
            }
            None => self.too_long = true,
        }
    }

    fn take_back(&mut self) {
        let continues = |byte: u8| byte & 0xc0 == 0x80;
        while self.len > 0 {
            self.len -= 1;
            if !continues(self.bytes[self.len]) {
                break;
            }
        }
    }

    /// The line that is over.
    ///
    /// # Errors
    /// See [`LineError`].
    pub fn line(&self) -> Result<&str, LineError> {
        if self.too_long {
            return Err(LineError::TooLong);
        }
        core::str::from_utf8(&self.bytes[..self.len]).map_err(|_| LineError::NotText)
    }
}

/// Lines of at most `N` bytes from a console.
///
/// Nothing is lost if a future of [`next`](Self::next) is dropped before it is done.
pub struct Lines<I, const N: usize> {
    input: I,
    line: LineBuffer<N>,
    chunk: [u8; CHUNK],
    from: usize,
    len: usize,
}

/// Bytes that are taken from the console at once.
const CHUNK: usize = 16;

impl<I: Read, const N: usize> Lines<I, N> {
    /// The lines of `input`.
    pub const fn new(input: I) -> Self {
        Self { input, line: LineBuffer::new(), chunk: [0; CHUNK], from: 0, len: 0 }
    }

    /// The next line; `None` when the input has ended.
    pub async fn next(&mut self) -> Option<Result<&str, LineError>> {
        loop {
            while self.from < self.len {
                self.from += 1;
                if self.line.push(self.chunk[self.from - 1]) {
                    return Some(self.line.line());
                }
            }
            // What a UART overran is lost; the line that it belongs to comes out odd, and people see that.
            match self.input.read(&mut self.chunk).await {
                Ok(0) => return None,
                Ok(len) => (self.from, self.len) = (0, len),
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use core::task::Poll;

    use embassy_futures::{block_on, poll_once};

    use super::*;

    fn lines(input: &[u8]) -> Vec<Result<String, LineError>> {
        let mut lines = Lines::<_, 8>::new(input);
        let mut all = Vec::new();
        while let Some(line) = block_on(lines.next()) {
            all.push(line.map(str::to_owned));
        }
        all
    }

    fn good(lines: &[&str]) -> Vec<Result<String, LineError>> {
        lines.iter().map(|line| Ok((*line).to_owned())).collect()
    }

    #[test]
    fn lines_end_as_terminals_end_them() {
        assert_eq!(lines(b"one\ntwo\rthree\r\n\n\r\nrest"), good(&["one", "two", "three", "", ""]));
    }

    #[test]
    fn backspace_takes_a_whole_character_back() {
        assert_eq!(lines("aü\u{8}b\n\u{7f}\u{7f}x\n".as_bytes()), good(&["ab", "x"]));
        assert_eq!(lines(b"a\tb\x1b\x00c\n"), good(&["a bc"]));
    }

    #[test]
    fn what_does_not_fit_is_refused_as_a_whole() {
        let too_long = Err(LineError::TooLong);
        let fits = Ok("12345678".to_owned());
        assert_eq!(lines(b"12345678\n123456789\nok\n"), [fits, too_long.clone(), Ok("ok".into())]);
        assert_eq!(lines(b"123456789\x7f\x7f\x7f\n"), [too_long]);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(lines(b"\xff\nok\n"), [Err(LineError::NotText), Ok("ok".into())]);
    }

    #[test]
    fn a_line_goes_on_after_its_future_was_dropped() {
        struct Slow(&'static [u8], bool);
        impl embedded_io_async::ErrorType for Slow {
            type Error = core::convert::Infallible;
        }
        impl Read for Slow {
            async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
                self.1 = !self.1;
                if self.1 {
                    core::future::pending::<()>().await;
                }
                let (byte, rest) = self.0.split_first().expect("there is more");
                (buffer[0], self.0) = (*byte, rest);
                Ok(1)
            }
        }
        let mut lines = Lines::<_, 8>::new(Slow(b"abc\n", false));
        let mut waited = 0;
        let line = loop {
            if let Poll::Ready(line) = poll_once(lines.next()) {
                break line.map(|line| line.map(str::to_owned));
            }
            waited += 1;
        };
        assert_eq!((line, waited), (Some(Ok("abc".into())), 4));
    }
}
