//! Servers talk to each other over real sockets on the loopback device; some of them lie.

#[path = "net/attack.rs"]
mod attack;
#[path = "net/node.rs"]
mod node;
#[path = "net/work.rs"]
mod work;
