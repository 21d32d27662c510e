//! `zephyr send`

use std::io::{IsTerminal, Read};
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use zephyr_client::{
    Client, Delivery, Event, Message, MessageId, Options, Queued, Store, StoreError,
};
use zephyr_core::Address;

use super::{count, require_registered};
use crate::cli::SendArgs;
use crate::clock;
use crate::exit::{Exit, Failure, Outcome};
use crate::online::{Watch, while_running};
use crate::output::{Progress, line, note};

/// Longer than anybody waits.
const A_WEEK: Duration = Duration::from_secs(7 * 86_400);

pub async fn run(store: Store, args: SendArgs) -> Outcome {
    require_registered(&store).await?;
    let message = match args.text {
        Some(text) => Message::Text(text),
        None => Message::File(read_stdin().await?),
    };
    let client = Client::new(store.clone(), Options::default());
    let events = client.events();
    let queued = client.send(&args.to, message).await?;
    let estimate = queued.estimate;
    line(format_args!(
        "To {}: {} in {}, about {}.",
        args.to,
        count(estimate.fragments.into(), "packet"),
        count(estimate.rounds, "round"),
        clock::say(estimate.time)
    ));
    if estimate.acknowledged {
        note(format_args!(
            "The message is long and leaves as {} confirms it, whose contact you must be.",
            args.to
        ));
    }
    let stopped = Err(stays(Failure::failed("stopped")));
    let work = async {
        send(&client, events, queued).await?;
        line("Sent.");
        if args.wait_delivered {
            confirm(&client, queued, &args.to).await?;
            line(format_args!("Delivered to {}.", args.to));
        }
        Ok(())
    };
    let wait = args.timeout.unwrap_or(A_WEEK);
    let in_time = async { timeout(wait, work).await.unwrap_or_else(|_| Err(late(&args.to, wait))) };
    while_running(&client, in_time, stopped).await?;
    store.close().await;
    Ok(())
}

/// All of stdin, but no more than can be sent.
async fn read_stdin() -> Outcome<Vec<u8>> {
    if std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "there is nothing to send: add a text in quotes, or a file with `< FILE`",
        ));
    }
    let read = || {
        let mut bytes = Vec::new();
        let limit = zephyr_client::MAX_MESSAGE as u64 + 1;
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map(|_| bytes)
    };
    let read = tokio::task::spawn_blocking(read).await.map_err(Failure::failed)?;
    let bytes = read.map_err(|error| Failure::failed(format!("stdin can't be read: {error}")))?;
    if bytes.len() > zephyr_client::MAX_MESSAGE {
        return Err(Failure::usage(format!(
            "the file is longer than {} bytes, the most that can be sent: split it",
            zephyr_client::MAX_MESSAGE
        )));
    }
    if bytes.is_empty() {
        return Err(Failure::usage(
            "stdin is empty: add a text in quotes, or a file with `< FILE`",
        ));
    }
    Ok(bytes)
}

/// Waits until the mixers have everything and the rounds are through.
async fn send(client: &Client, events: Receiver<Event>, queued: Queued) -> Outcome {
    watch(client, events, queued, "waiting for the next round", client.drain()).await
}

/// Waits until the recipient has it.
async fn confirm(client: &Client, queued: Queued, to: &Address) -> Outcome {
    let waiting = format!("waiting until {to} has it");
    watch(client, client.events(), queued, &waiting, client.delivered(queued.id)).await
}

/// Shows how far the message has come until `done` is.
async fn watch(
    client: &Client,
    mut events: Receiver<Event>,
    queued: Queued,
    waiting: &str,
    done: impl Future<Output = Result<(), StoreError>>,
) -> Outcome {
    let mut watch = Watch::new(&client.store().home().network());
    let total = queued.estimate.fragments;
    let mut progress = Progress::new(total.into());
    progress.at(0, waiting);
    tokio::pin!(done);
    let result = loop {
        tokio::select! {
            result = &mut done => break result.map_err(Failure::from),
            event = events.recv() => match event {
                Ok(event) => match watch.handle(&event) {
                    Ok(news) => {
                        news.iter().for_each(|news| progress.note(news));
                        show(&mut progress, &event, queued.id, total);
                    }
                    Err(failure) => break Err(stays(failure)),
                },
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break Err(Failure::failed("the client stopped")),
            },
        }
    };
    progress.end();
    result
}

fn show(progress: &mut Progress, event: &Event, ours: MessageId, total: u32) {
    match event {
        Event::Delivery { id, delivery } if *id == ours => match delivery {
            // Without a terminal every text is a line that stays.
            Delivery::Sending { sent, of }
                if progress.is_bar() || sent.is_multiple_of(of.div_ceil(8)) =>
            {
                progress.at((*sent).into(), format_args!("{sent} of {of} packets sent"));
            }
            Delivery::Sent { round } => progress.at(
                total.into(),
                format_args!("{} sent, the last in round {round}", count(total.into(), "packet")),
            ),
            _ => {}
        },
        Event::Requeued { round, fragments } => progress.note(format_args!(
            "round {round} was void: {} will be sent again",
            count(*fragments, "packet")
        )),
        _ => {}
    }
}

fn late(to: &Address, wait: Duration) -> Failure {
    let time = clock::say(wait);
    Failure::new(
        Exit::NotDelivered,
        format!(
            "{to} has not confirmed the message in {time}; it stays in the outbox and is sent again with the next `send` or `recv`"
        ),
    )
}

fn stays(failure: Failure) -> Failure {
    let exit = failure.exit();
    Failure::new(
        exit,
        format!(
            "{failure}; the message stays in the outbox and leaves with the next `send` or `recv`"
        ),
    )
}
