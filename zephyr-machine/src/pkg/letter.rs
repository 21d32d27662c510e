//! The mails that a PKG writes.

use std::fmt;

use zephyr_core::wire::Code;
use zephyr_core::{Address, ClientKey, UnixMs};

use super::{PkgIdentity, PkgRules, Registration};

/// A mail: plain ASCII, lines of at most 76 bytes that end with `\n`. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// The only recipient.
    pub to: Address,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Letter(…)")
    }
}

impl Drop for Letter {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.body);
    }
}

/// A PKG's name for people: 1 to 40 printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PkgName(String);

/// A PKG's name is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a PKG must have 1 to 40 printable ASCII characters: choose another one")]
pub struct PkgNameError;

impl PkgName {
    /// Checks a name.
    ///
    /// # Errors
    /// If it is empty or too long, or has other characters: it stands in the header of mails.
    pub fn new(name: &str) -> Result<Self, PkgNameError> {
        let printable = name.bytes().all(|c| c == b' ' || c.is_ascii_graphic());
        let fits = (1..=40).contains(&name.len()) && name.trim() == name;
        (printable && fits).then(|| Self(name.into())).ok_or(PkgNameError)
    }
}

impl fmt::Display for PkgName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Letter {
    /// The mail with a code. It tells the owner of the address, and nobody else, what there is about the address.
    pub(super) fn code(
        pkg: &PkgIdentity,
        rules: &PkgRules,
        to: &Address,
        key: &ClientKey,
        code: &Code,
        current: Option<&Registration>,
        now: UnixMs,
    ) -> Self {
        let minutes = rules.code_lifetime_ms.div_ceil(60_000);
        let name = &pkg.name;
        let facts = facts(pkg, to, key);
        let note = match current {
            Some(current) if current.key != *key => format!(
                "\nThis address is registered already, with another key. With the code,\n\
                 the new key replaces it after {}, unless the old key\n\
                 vetoes. Until then the old key works as before.\n",
                duration(rules.replacement_wait_ms)
            ),
            _ => String::new(),
        };
        let body = format!(
            "Somebody, most likely you, wants to use this e-mail address in Zephyr.\n\
             \n\
             Code: {code}\n\
             {facts}\
             Asked: {}\n\
             \n\
             Compare the key with the one that your Zephyr program shows. If they are\n\
             the same, type the code there within {minutes} minutes. If they differ, or\n\
             if you asked for nothing, ignore this mail: without the code nothing\n\
             happens. Never pass the code on to anybody.\n\
             {note}",
            Utc(now)
        );
        Self { to: to.clone(), subject: format!("[Zephyr] Code from {name}"), body }
    }

    /// The mail that announces the replacement of a key.
    pub(super) fn replacement(
        pkg: &PkgIdentity,
        to: &Address,
        key: &ClientKey,
        until: UnixMs,
        now: UnixMs,
    ) -> Self {
        let facts = facts(pkg, to, key);
        let body = format!(
            "The code of an earlier mail was used to give this e-mail address a new\n\
             key in Zephyr.\n\
             \n\
             Effective: {}\n\
             {facts}\
             Asked: {}\n\
             \n\
             If this was you, there is nothing to do. If not, somebody else reads your\n\
             mail: veto with the Zephyr program that has the old key before the time\n\
             above, and change the password of your mail account.\n",
            Utc(until),
            Utc(now)
        );
        let subject = format!("[Zephyr] Your key at {} will be replaced", pkg.name);
        Self { to: to.clone(), subject, body }
    }
}

/// Long addresses are folded: lines of mails end at 76 bytes, and nothing cuts them.
fn facts(pkg: &PkgIdentity, to: &Address, key: &ClientKey) -> String {
    let address = to.as_str().as_bytes().chunks(60).map(|part| part.escape_ascii().to_string());
    let address = address.collect::<Vec<_>>().join("\n         ");
    let fingerprint = key.fingerprint(&pkg.network);
    format!("Key: {fingerprint}\nAddress: {address}\nPKG: {}\n", pkg.name)
}

fn duration(ms: u64) -> String {
    let minutes = ms.div_ceil(60_000);
    match minutes {
        0..120 => format!("{minutes} minutes"),
        _ => format!("{} hours", minutes.div_ceil(60)),
    }
}

/// `2026-01-31 23:59:00 UTC`.
struct Utc(UnixMs);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.0 / 1000;
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        // Eras of 400 years of 146,097 days, years from March (the days-to-civil algorithm of H. Hinnant).
        let days = days + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = era * 400 + year + carry;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_calendars_have_them() {
        for (seconds, shown) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_767_225_599, "2025-12-31 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(Utc(UnixMs(seconds * 1000)).to_string(), shown);
        }
        let _ = Utc(UnixMs(u64::MAX)).to_string();
    }

    #[test]
    fn names_that_would_break_a_header_are_refused() {
        for name in ["", "a\r\nBcc: x@example.org", "ä", " a", &"a".repeat(41)] {
            assert_eq!(PkgName::new(name), Err(PkgNameError), "{name}");
        }
        assert!(PkgName::new("PKG 1 (example.org)").is_ok());
    }
}
