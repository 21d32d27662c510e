//! `zephyr register`

use std::collections::VecDeque;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use zephyr_client::{Answer, Network, Pkg, Registrar, Registration, RegistrationError, Store};
use zephyr_core::wire::{Code, PkgRefusal};

use crate::cli::RegisterArgs;
use crate::clock;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{line, note};

pub async fn run(home: &Path, args: RegisterArgs) -> Outcome {
    let codes = args.codes.iter().map(|text| GivenCode::parse(text)).collect::<Outcome<_>>()?;
    let network = Network::load(&args.network)?;
    let store = Store::create(home, &args.address, &network).await?;
    let registrar = Registrar::new(store.clone());
    let result = if args.codes.is_empty() {
        ask_for_codes(&store, &registrar).await
    } else {
        confirm_given(&registrar, codes).await
    };
    let result = match result {
        Ok(()) => finish(&store, &registrar).await,
        failed => failed,
    };
    store.close().await;
    result
}

/// A code of the command line, perhaps with the name of its PKG.
struct GivenCode {
    pkg: Option<String>,
    code: Code,
}

impl GivenCode {
    fn parse(text: &str) -> Outcome<Self> {
        let (pkg, code) = match text.rsplit_once('=') {
            Some((pkg, code)) => (Some(pkg.to_owned()), code),
            None => (None, text),
        };
        Ok(Self { pkg, code: Code::parse(code).map_err(Failure::usage)? })
    }
}

/// Brings codes that an earlier call asked for.
async fn confirm_given(registrar: &Registrar, mut codes: VecDeque<GivenCode>) -> Outcome {
    let states = registrar.status().await?;
    let waiting = |state: &Registration| *state == Registration::CodeSent;
    if !states.iter().any(|(_, state)| waiting(state)) {
        return Err(Failure::usage(
            "no PKG waits for a code: call `register` without --code first, then the codes are mailed",
        ));
    }
    // Codes of all PKGs, in their order: some of them may have been brought before.
    if codes.len() == states.len() && codes.iter().all(|given| given.pkg.is_none()) {
        let all = codes.into_iter().zip(&states);
        codes = all.filter(|(_, (_, state))| waiting(state)).map(|(given, _)| given).collect();
    }
    for (pkg, _) in states.into_iter().filter(|(_, state)| waiting(state)) {
        let place = codes.iter().position(|c| c.pkg.as_ref().is_none_or(|name| *name == pkg.name));
        let Some(given) = place.and_then(|place| codes.remove(place)) else { continue };
        let answer = registrar.confirm(pkg.index, &given.code).await;
        report(&pkg, answer.map_err(|error| Failure::from(error).of(&pkg.name))?);
    }
    match codes.front() {
        None => Ok(()),
        Some(GivenCode { pkg: Some(name), .. }) => {
            Err(Failure::usage(format!("no PKG with the name {name} waits for a code")))
        }
        Some(_) => Err(Failure::usage("there are more codes than PKGs that wait for one")),
    }
}

/// Has codes mailed, and reads them from stdin.
async fn ask_for_codes(store: &Store, registrar: &Registrar) -> Outcome {
    let mut waiting = Vec::new();
    let mut failure = None;
    for (pkg, answer) in registrar.register().await {
        match answer {
            Ok(Answer::CodeSent { valid_for }) => waiting.push((pkg, valid_for)),
            Ok(answer) => report(&pkg, answer),
            Err(error) => {
                let failed = Failure::from(error).of(&pkg.name);
                if let Some(earlier) = failure.replace(failed) {
                    note(format_args!("zephyr: {earlier}"));
                }
            }
        }
    }
    if let Some((_, valid_for)) = waiting.first() {
        let address = store.home().address();
        line(format_args!("Codes are on their way to {address}, one from each of:"));
        for (pkg, _) in &waiting {
            line(format_args!("  {}   key {}", pkg.name, pkg.fingerprint));
        }
        let time = clock::say(*valid_for);
        line(format_args!("Each mail must name the same key. The codes are good for {time}."));
    }
    for (pkg, _) in waiting {
        if !read_code(registrar, &pkg).await? {
            break;
        }
    }
    failure.map_or(Ok(()), Err)
}

/// Asks for one PKG's code until it is right; `false` if stdin has ended.
async fn read_code(registrar: &Registrar, pkg: &Pkg) -> Outcome<bool> {
    loop {
        let Some(text) = prompt(format!("Code from {}: ", pkg.name)).await else {
            return Ok(false);
        };
        let code = match Code::parse(&text) {
            Ok(code) => code,
            Err(error) => {
                note(error);
                continue;
            }
        };
        match registrar.confirm(pkg.index, &code).await {
            Ok(answer) => {
                report(pkg, answer);
                return Ok(true);
            }
            Err(RegistrationError::Refused(why @ PkgRefusal::WrongCode { tries_left: 1.. })) => {
                note(why)
            }
            Err(error) => return Err(Failure::from(error).of(&pkg.name)),
        }
    }
}

async fn prompt(question: String) -> Option<String> {
    let read = move || {
        let mut out = std::io::stderr().lock();
        let _ = write!(out, "{question}").and_then(|()| out.flush());
        let mut text = String::new();
        let length = std::io::stdin().lock().read_line(&mut text).unwrap_or(0);
        if length == 0 && !std::io::stdin().is_terminal() {
            let _ = writeln!(out);
        }
        (length > 0).then_some(text)
    };
    tokio::task::spawn_blocking(read).await.ok().flatten()
}

fn report(pkg: &Pkg, answer: Answer) {
    let name = &pkg.name;
    match answer {
        Answer::Registered => line(format_args!("{name}: registered")),
        Answer::Waiting { until } => line(format_args!(
            "{name}: the address has another key, which yours replaces at {} unless that one vetoes",
            clock::rfc3339(until)
        )),
        _ => {}
    }
}

async fn finish(store: &Store, registrar: &Registrar) -> Outcome {
    let address = store.home().address();
    let states = registrar.status().await?;
    let left = |wanted: fn(&Registration) -> bool| {
        let names =
            states.iter().filter(|(_, state)| wanted(state)).map(|(pkg, _)| pkg.name.as_str());
        names.collect::<Vec<_>>().join(", ")
    };
    let codes = left(|state| matches!(state, Registration::CodeSent | Registration::None));
    let waiting = left(|state| matches!(state, Registration::Waiting { .. }));
    if !codes.is_empty() {
        return Err(Failure::new(
            Exit::NotRegistered,
            format!(
                "{address} is not registered yet, codes of {codes} are missing: when the mails are there, call `register` again with --code CODE for each of them in this order"
            ),
        ));
    }
    if !waiting.is_empty() {
        return Err(Failure::new(
            Exit::NotRegistered,
            format!(
                "{address} is not usable yet, the key of {waiting} is still to be replaced: nothing more needs to be done"
            ),
        ));
    }
    line(format_args!("{address} is registered: you can send and receive."));
    Ok(())
}
