//! The address, and the codes that the PKGs mail.

use embassy_time::{Duration, Timer};
use embedded_io_async::{Read, Write};
use embedded_nal_async::{Dns, TcpConnect};
use rand_core::CryptoRng;
use zephyr_core::registration::Answer;
use zephyr_core::wire::{Code, PkgRefusal};
use zephyr_core::{Address, Standard};
use zephyr_embedded::{Client, Pkg, Registration, RegistrationError, Storage};

use crate::console::Console;
use crate::lines::Lines;

/// When a PKG that was not reached is asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Asks for the user's address until it is one; `None` if the input ends.
pub async fn ask_address<I: Read, O: Write, const LINE: usize>(
    lines: &mut Lines<I, LINE>,
    console: &mut Console<O>,
) -> Option<Address> {
    loop {
        console.line("address?").await;
        match lines.next().await? {
            Ok(line) => match Address::parse(line) {
                Ok(address) => return Some(address),
                Err(error) => console.error(error).await,
            },
            Err(error) => console.error(error).await,
        }
    }
}

/// Registers the user with all PKGs where that has not been done; `None` if the input ends.
///
/// All are asked first, so that all mails are on their way when the first code is asked for.
pub async fn register<I, O, N, S, R, const LINE: usize>(
    client: &Client<'_, N, S, R, Standard>,
    lines: &mut Lines<I, LINE>,
    console: &mut Console<O>,
) -> Option<()>
where
    I: Read,
    O: Write,
    N: TcpConnect + Dns,
    S: Storage,
    R: CryptoRng,
{
    let mut news = false;
    for index in 0..client.pkgs().await {
        let Some(pkg) = client.pkg(index).await else { continue };
        if state(client, index).await == Registration::None {
            news = true;
            ask_for_mail(client, &pkg, lines, console).await?;
        }
    }
    for index in 0..client.pkgs().await {
        let Some(pkg) = client.pkg(index).await else { continue };
        while state(client, index).await == Registration::CodeSent {
            news = true;
            bring_code(client, &pkg, lines, console).await?;
        }
    }
    if news {
        console.line("registered").await;
    }
    Some(())
}

async fn state<N, S, R>(client: &Client<'_, N, S, R, Standard>, pkg: usize) -> Registration
where
    N: TcpConnect + Dns,
    S: Storage,
    R: CryptoRng,
{
    // What can't be read is asked for again.
    client.registration(pkg).await.unwrap_or_default()
}

/// Asks the PKG for a mail until it sends one.
async fn ask_for_mail<I, O, N, S, R, const LINE: usize>(
    client: &Client<'_, N, S, R, Standard>,
    pkg: &Pkg,
    lines: &mut Lines<I, LINE>,
    console: &mut Console<O>,
) -> Option<()>
where
    I: Read,
    O: Write,
    N: TcpConnect + Dns,
    S: Storage,
    R: CryptoRng,
{
    let mut told = false;
    while let Err(error) = client.request_code(pkg.index).await {
        let unreachable = matches!(error, RegistrationError::Unreachable(_));
        if !(unreachable && told) {
            console.error(format_args!("{}: {error}", pkg.name)).await;
        }
        if unreachable {
            // A board that has just begun may have no network yet.
            told = true;
            Timer::after(AGAIN_AFTER).await;
        } else {
            console.line("again? Press Enter").await;
            let _ = lines.next().await?;
        }
    }
    Some(())
}

/// Asks for the code once.
async fn bring_code<I, O, N, S, R, const LINE: usize>(
    client: &Client<'_, N, S, R, Standard>,
    pkg: &Pkg,
    lines: &mut Lines<I, LINE>,
    console: &mut Console<O>,
) -> Option<()>
where
    I: Read,
    O: Write,
    N: TcpConnect + Dns,
    S: Storage,
    R: CryptoRng,
{
    console.line(format_args!("code? {} {}", pkg.name, pkg.fingerprint)).await;
    let code = match lines.next().await? {
        Ok(line) if line.trim() == "again" => {
            return ask_for_mail(client, pkg, lines, console).await;
        }
        Ok(line) => match Code::parse(line) {
            Ok(code) => code,
            Err(error) => {
                console.error(error).await;
                return Some(());
            }
        },
        Err(error) => {
            console.error(error).await;
            return Some(());
        }
    };
    match client.confirm(pkg.index, code).await {
        Ok(Answer::Waiting { .. }) => {
            console
                .line(format_args!(
                    "{}: the key replaces an older one after a waiting time",
                    pkg.name
                ))
                .await;
        }
        Ok(_) => {}
        Err(error) => {
            console.error(format_args!("{}: {error}", pkg.name)).await;
            if needs_another(&error) {
                console.line("Type `again` to be mailed another code").await;
            }
        }
    }
    Some(())
}

/// Whether no code will be right any more.
fn needs_another<E>(error: &RegistrationError<E>) -> bool {
    let RegistrationError::Refused(why) = error else { return false };
    matches!(why, PkgRefusal::NoCode | PkgRefusal::WrongCode { tries_left: 0 })
}
