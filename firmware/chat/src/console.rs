//! Lines to a console.

use core::fmt::{self, Write as _};

use embedded_io_async::Write;
use heapless::String;

/// The longest line that [`Console::line`] writes in one piece: an address and some words.
const LONGEST: usize = 320;
const LINE_END: &[u8] = b"\r\n";

/// A console that shows text.
///
/// A console that can't be written is one that nobody looks at: the chat goes on.
pub struct Console<O> {
    output: O,
}

impl<O: Write> Console<O> {
    /// A console on `output`.
    pub const fn new(output: O) -> Self {
        Self { output }
    }

    /// Shows a line; what does not fit into [320 bytes](LONGEST) is left out.
    pub async fn line(&mut self, text: impl fmt::Display) {
        let mut line = String::<LONGEST>::new();
        let _ = write!(Cut(&mut line), "{text}");
        self.write(line.as_bytes()).await;
        self.write(LINE_END).await;
        let _ = self.output.flush().await;
    }

    /// Shows a line that says what is wrong.
    pub async fn error(&mut self, text: impl fmt::Display) {
        self.line(format_args!("error: {text}")).await;
    }

    /// Shows a text that somebody sent, behind `head` and a colon. It can't do anything to the terminal: control
    /// characters become blanks. Has been written when this returns.
    pub async fn text(&mut self, head: impl fmt::Display, text: &mut [u8]) {
        let mut line = String::<LONGEST>::new();
        let _ = write!(Cut(&mut line), "{head}: ");
        self.write(line.as_bytes()).await;
        text.iter_mut().filter(|byte| byte.is_ascii_control()).for_each(|byte| *byte = b' ');
        self.write(text).await;
        self.write(LINE_END).await;
        let _ = self.output.flush().await;
    }

    async fn write(&mut self, bytes: &[u8]) {
        let _ = self.output.write_all(bytes).await;
    }
}

/// Takes as much as there is room for.
struct Cut<'a, const N: usize>(&'a mut String<N>);

impl<const N: usize> fmt::Write for Cut<'_, N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| self.0.push(c)).map_err(|_| fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use embassy_futures::block_on;

    use super::*;

    fn shown(show: impl AsyncFnOnce(&mut Console<&mut [u8]>)) -> std::string::String {
        let mut output = [0; 1_000];
        let left = {
            let mut console = Console::new(&mut output[..]);
            block_on(show(&mut console));
            console.output.len()
        };
        let len = output.len() - left;
        std::string::String::from_utf8(output[..len].to_vec()).unwrap()
    }

    #[test]
    fn texts_cannot_control_the_terminal() {
        let line = shown(async |console| {
            console.text("bob@example.org", &mut b"a\x1b[2J\nb\x7f\xc3\xbc".to_owned()).await;
        });
        assert_eq!(line, "bob@example.org: a [2J b ü\r\n");
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_at_a_character() {
        let line = shown(async |console| console.line("aü".repeat(200)).await);
        assert_eq!(line, format!("{}a\r\n", "aü".repeat(106)));
        assert_eq!(shown(async |console| console.error("no").await), "error: no\r\n");
    }
}
