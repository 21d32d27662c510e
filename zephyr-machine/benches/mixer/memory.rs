//! The memory that a batch takes from its first packet to its delivery.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::batch::{gather, run, work};
use super::rows::Row;

/// The system's allocator, counting.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

fn grown(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
    CALLS.fetch_add(1, Relaxed);
}

// SAFETY: it hands everything on to the system's allocator, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    // The default `realloc` allocates anew, copies and frees: both count, as in the worst case of any allocator.
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

pub(super) fn rows() {
    const PACKETS: usize = 100_000;
    let work = work();
    let bytes = PACKETS * work.outline.parameters.geometry.packet_len();
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    let batch = gather(&work, PACKETS);
    let calls = CALLS.load(Relaxed);
    let mixed = run(&work, batch);
    let calls = CALLS.load(Relaxed) - calls;
    assert_eq!(mixed.messages.values().map(|m| m.len()).sum::<usize>(), PACKETS);
    let peak = (PEAK.load(Relaxed) - before) as f64;
    Row {
        name: &format!("memory to gather and mix {PACKETS} packets of 1024 bytes"),
        value: peak / 1e6,
        unit: "MB",
        against: "the packets themselves",
        ratio: Some(peak / bytes as f64),
        limit: Some(1.3),
    }
    .print();
    Row {
        name: "allocations to mix them",
        value: calls as f64 / PACKETS as f64,
        unit: "a packet",
        against: "none",
        ratio: None,
        limit: Some(0.2),
    }
    .print();
}
