//! The Zephyr protocol without I/O: identities, sealing, onions, directories, wire formats and the client session.
