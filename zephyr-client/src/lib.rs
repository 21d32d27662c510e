//! The Zephyr client for hosts: sockets, storage and the session driven with tokio.
