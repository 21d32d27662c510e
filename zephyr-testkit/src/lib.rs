//! A Zephyr network in memory, on virtual time with seeded faults, for tests.
