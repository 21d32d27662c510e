//! What people type.

use core::fmt;

use zephyr_core::{Address, AddressError};

/// How the program answers `help`.
pub const HELP: &str = "\
ADDRESS TEXT  sends a text
+ADDRESS      adds a contact
-ADDRESS      removes a contact, and what is under way to and from it
contacts      lists them
stats         shows what this board has used
quit          ends";

/// A line that was understood.
#[derive(Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Send a text; whoever gets it becomes a contact.
    Send(Address, &'a str),
    /// Make a contact.
    Add(Address),
    /// Forget a contact.
    Remove(Address),
    /// List the contacts.
    Contacts,
    /// Show memory and work.
    Stats,
    /// Show the commands.
    Help,
    /// End the program.
    Quit,
    /// Nothing was typed.
    Nothing,
}

/// Why a line was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// What stands where an address belongs is none.
    Address(AddressError),
    /// There is an address and no text.
    NoText,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => write!(f, "{error}; `help` lists the commands"),
            Self::NoText => {
                f.write_str("a text must follow the address; `help` lists the commands")
            }
        }
    }
}

impl From<AddressError> for CommandError {
    fn from(error: AddressError) -> Self {
        Self::Address(error)
    }
}

impl<'a> Command<'a> {
    /// Understands a line.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub fn parse(line: &'a str) -> Result<Self, CommandError> {
        let line = line.trim();
        Ok(match line {
            "" => Self::Nothing,
            "contacts" => Self::Contacts,
            "stats" => Self::Stats,
            "help" | "?" => Self::Help,
            "quit" => Self::Quit,
            _ => match (line.strip_prefix('+'), line.strip_prefix('-')) {
                (Some(address), _) => Self::Add(Address::parse(address)?),
                (_, Some(address)) => Self::Remove(Address::parse(address)?),
                _ => {
                    let (address, text) = line.split_once(' ').unwrap_or((line, ""));
                    let address = Address::parse(address)?;
                    if text.is_empty() {
                        return Err(CommandError::NoText);
                    }
                    Self::Send(address, text)
                }
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bob() -> Address {
        Address::parse("bob@example.org").unwrap()
    }

    #[test]
    fn commands_are_understood() {
        let cases = [
            ("bob@example.org Hello, Bob: 1 + 1", Command::Send(bob(), "Hello, Bob: 1 + 1")),
            ("  Bob@Example.org Grüße ", Command::Send(bob(), "Grüße")),
            ("+bob@example.org", Command::Add(bob())),
            ("- bob@example.org", Command::Remove(bob())),
            ("contacts", Command::Contacts),
            ("stats", Command::Stats),
            ("?", Command::Help),
            ("quit\r", Command::Quit),
            (" ", Command::Nothing),
        ];
        for (line, command) in cases {
            assert_eq!(Command::parse(line), Ok(command), "{line:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for line in ["hello", "+", "-bob", "bob@ Hello", "quit now"] {
            assert!(matches!(Command::parse(line), Err(CommandError::Address(_))), "{line:?}");
        }
        assert_eq!(Command::parse("bob@example.org"), Err(CommandError::NoText));
        assert_eq!(Command::parse("bob@example.org  "), Err(CommandError::NoText));
    }
}
