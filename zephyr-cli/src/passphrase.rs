//! Where a passphrase comes from: a file, a variable, somebody who types it unseen, or stdin.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::exit::{Failure, Outcome};
use crate::files::unusable;

const VARIABLE: &str = "ZEPHYR_PASSPHRASE";
/// Longer than anybody's, in bytes.
const LONGEST: u64 = 4_096;

/// A secret text.
type Secret = Zeroizing<String>;

/// Reads the passphrase. Who types it answers `question`, and `again` with the same.
///
/// # Errors
/// If it can't be read, or the two answers differ.
pub async fn read(file: Option<PathBuf>, question: &str, again: Option<&str>) -> Outcome<Secret> {
    let (question, again) = (question.to_owned(), again.map(str::to_owned));
    let read = move || match file {
        Some(path) => {
            let file = File::open(&path).map_err(|error| unusable("the file", &path, &error))?;
            first_line(file).map_err(|error| unusable("the file", &path, &error))
        }
        None => match std::env::var(VARIABLE) {
            Ok(passphrase) => Ok(Zeroizing::new(passphrase)),
            Err(_) if std::io::stdin().is_terminal() => ask(&question, again.as_deref()),
            Err(_) => first_line(std::io::stdin().lock())
                .map_err(|error| Failure::usage(format!("stdin has no passphrase: {error}"))),
        },
    };
    tokio::task::spawn_blocking(read).await.map_err(Failure::failed)?
}

fn ask(question: &str, again: Option<&str>) -> Outcome<Secret> {
    let prompt = |question: &str| {
        rpassword::prompt_password(question)
            .map(Zeroizing::new)
            .map_err(|error| Failure::failed(format!("the terminal can't be read: {error}")))
    };
    let passphrase = prompt(question)?;
    match again {
        Some(again) if prompt(again)? != passphrase => {
            Err(Failure::usage("the two passphrases differ: start again"))
        }
        _ => Ok(passphrase),
    }
}

/// Without the line's end.
fn first_line(from: impl Read) -> std::io::Result<Secret> {
    let mut line = Zeroizing::new(String::with_capacity(LONGEST as usize));
    BufReader::new(from.take(LONGEST)).read_line(&mut line)?;
    let len = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(len);
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_passphrase_in_its_first_line() {
        let read = |bytes: &[u8]| first_line(bytes).map(|line| line.to_string()).ok();
        for bytes in [&b" two words "[..], b" two words \n", b" two words \r\nmore\n"] {
            assert_eq!(read(bytes).as_deref(), Some(" two words "));
        }
        assert_eq!(read(b"").as_deref(), Some(""));
        assert_eq!(read(b"\xff\xff"), None);
    }
}
