//! The fast BLS12-381 backend of Zephyr for hosts, over blst.
