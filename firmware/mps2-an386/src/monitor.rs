//! What the machine measures about itself.

use chat::Monitor;
use machine::Stack;

use crate::memory;

/// Figures for `stats`.
pub struct Figures {
    stack: Stack,
}

impl Figures {
    /// Measures from now on. To be called before anything else, while the stack is unused.
    pub fn start() -> Self {
        Self { stack: memory::stack() }
    }
}

impl Monitor for Figures {
    fn figures(&self, show: &mut dyn FnMut(&'static str, u64)) {
        show("stack", self.stack.used() as u64);
        show("static RAM", memory::static_size() as u64);
        show("instructions", machine::busy_instructions());
    }
}
