//! The rules of mixing and of agreeing on directories, and attacks on them: without I/O, on virtual time.

#[path = "machines/agreement.rs"]
mod agreement;
#[path = "machines/ahead.rs"]
mod ahead;
#[path = "machines/barrier.rs"]
mod barrier;
#[path = "machines/board.rs"]
mod board;
#[path = "machines/delivery.rs"]
mod delivery;
#[path = "machines/erasure.rs"]
mod erasure;
#[path = "machines/failover.rs"]
mod failover;
#[path = "machines/loops.rs"]
mod loops;
#[path = "machines/mixing.rs"]
mod mixing;
#[path = "machines/network.rs"]
mod network;
#[path = "machines/parsers.rs"]
mod parsers;
#[path = "machines/replay.rs"]
mod replay;
#[path = "machines/rounds.rs"]
mod rounds;
#[path = "machines/world.rs"]
mod world;
