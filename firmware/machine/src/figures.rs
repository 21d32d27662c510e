//! What the machine measures about itself.

use chat::Monitor;

use crate::{executor::busy_instructions, memory, stack::Stack};

/// Figures for `stats`.
pub struct Figures {
    stack: Stack,
}

impl Figures {
    /// Measures from now on. To be called before anything else, while the stack is unused.
    pub fn start() -> Self {
        Self { stack: memory::stack() }
    }

    /// The stack.
    pub fn stack(&self) -> Stack {
        self.stack
    }
}

impl Monitor for Figures {
    fn figures(&self, show: &mut dyn FnMut(&'static str, u64)) {
        show("stack", self.stack.used() as u64);
        show("static RAM", memory::static_size() as u64);
        show("instructions", busy_instructions());
    }
}
