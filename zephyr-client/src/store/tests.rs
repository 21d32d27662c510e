//! The home: what every one must do, in a file as in memory, what only files can, and what two do together.

mod backups;
mod conformance;
mod conversations;
mod files;
mod inbox;
mod killed;
mod pair;
mod property;
mod upgrade;
