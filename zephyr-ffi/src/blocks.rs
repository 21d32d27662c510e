//! Building blocks: no threads, no I/O, no heap.

mod identity;
