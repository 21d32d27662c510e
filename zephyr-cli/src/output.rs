//! Lines on stdout and stderr, and progress: a bar on a terminal, plain lines elsewhere.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A line on stdout. A reader that went away is no error.
pub fn line(text: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// A line on stderr.
pub fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Says how far something has come, on stderr.
pub struct Progress {
    bar: Option<ProgressBar>,
    last: String,
}

impl Progress {
    /// Of `total` steps; 0 if nobody knows how many.
    pub fn new(total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = if total == 0 {
                "{spinner} {msg}"
            } else {
                "{spinner} [{bar:30}] {pos}/{len} {msg}"
            };
            let style = ProgressStyle::with_template(template)
                .expect("the template is right")
                .progress_chars("=> ");
            let bar = ProgressBar::new(total).with_style(style);
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { bar, last: String::new() }
    }

    /// Whether there is a terminal with a bar on it.
    pub fn is_bar(&self) -> bool {
        self.bar.is_some()
    }

    /// `done` steps are done. What the text says is shown once where there is no terminal.
    pub fn at(&mut self, done: u64, text: impl Display) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
        self.now(text);
    }

    /// What is going on.
    pub fn now(&mut self, text: impl Display) {
        let text = text.to_string();
        match &self.bar {
            Some(bar) => bar.set_message(text),
            None if text != self.last => {
                note(&text);
                self.last = text;
            }
            None => {}
        }
    }

    /// A line that stays.
    pub fn note(&self, text: impl Display) {
        match &self.bar {
            Some(bar) => bar.println(text.to_string()),
            None => note(text),
        }
    }

    /// Takes the bar away.
    pub fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
