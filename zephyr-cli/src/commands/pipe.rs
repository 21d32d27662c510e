//! `zephyr pipe`: a client for programs, in lines of JSON.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use zephyr_client::{Client, Delivery, Event, Message, MessageId, Options, Store};
use zephyr_core::Address;
use zephyr_core::session;

use super::{recv, require_registered};
use crate::exit::{Failure, Outcome};
use crate::online::while_running;
use crate::output::line;

/// Lines of stdin that wait; the program that writes them waits as well then.
const LINES: usize = 64;

pub async fn run(store: Store, home: &Path) -> Outcome {
    require_registered(&store).await?;
    let client = Client::new(store.clone(), Options::default());
    let pipe = Pipe { client: &client, files: home.join("files") };
    let events = client.events();
    while_running(&client, pipe.run(events), Ok(())).await?;
    store.close().await;
    Ok(())
}

/// A line of stdin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    to: String,
    text: String,
    #[serde(default, rename = "ref")]
    reference: Value,
}

struct Pipe<'c> {
    client: &'c Client,
    files: PathBuf,
}

impl Pipe<'_> {
    async fn run(&self, mut events: Receiver<Event>) -> Outcome {
        let (to_us, mut lines) = mpsc::channel(LINES);
        // Not a task: nothing can take back the reading of a line.
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if to_us.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        self.show_inbox().await?;
        loop {
            tokio::select! {
                Some(text) = lines.recv() => self.order(&text).await?,
                event = events.recv() => match event {
                    Ok(Event::Message(_)) | Err(RecvError::Lagged(_)) => self.show_inbox().await?,
                    Ok(event) => {
                        if let Some(object) = object(&event) {
                            line(object);
                        }
                    }
                    Err(RecvError::Closed) => return Err(Failure::failed("the client stopped")),
                },
            }
        }
    }

    async fn order(&self, text: &str) -> Outcome {
        let order: Order = match serde_json::from_str(text) {
            Ok(order) => order,
            Err(error) => {
                line(json!({ "event": "refused", "why": error.to_string() }));
                return Ok(());
            }
        };
        let answer = match self.queue(&order).await {
            Ok(id) => json!({
                "event": "queued", "id": id.0, "to": order.to, "ref": order.reference
            }),
            Err(why) => {
                json!({ "event": "refused", "why": why.to_string(), "ref": order.reference })
            }
        };
        line(answer);
        Ok(())
    }

    async fn queue(&self, order: &Order) -> Outcome<MessageId> {
        let to = Address::parse(&order.to).map_err(Failure::usage)?;
        Ok(self.client.send(&to, Message::Text(order.text.clone())).await?.id)
    }

    /// Shows what was not shown before.
    async fn show_inbox(&self) -> Outcome {
        for message in self.client.inbox(true).await? {
            let file = recv::save(&self.files, &message)?;
            let mut object = recv::json(&message, file);
            object["event"] = "message".into();
            object["id"] = message.id.into();
            line(object);
            self.client.mark_seen(message.id).await?;
        }
        Ok(())
    }
}

fn object(event: &Event) -> Option<Value> {
    match event {
        Event::Round(event) => round(event),
        Event::Delivery { id, delivery } => {
            let mut object = delivery_object(*delivery);
            object["event"] = "delivery".into();
            object["id"] = id.0.into();
            Some(object)
        }
        _ => None,
    }
}

fn delivery_object(delivery: Delivery) -> Value {
    match delivery {
        Delivery::Queued => json!({ "state": "queued" }),
        Delivery::Sending { sent, of } => json!({ "state": "sending", "sent": sent, "of": of }),
        Delivery::Sent { round } => json!({ "state": "sent", "round": round.0 }),
        _ => json!({ "state": "delivered" }),
    }
}

fn round(event: &session::Event) -> Option<Value> {
    use session::Event as E;
    let (round, mut object) = match event {
        E::Opened { round, mixers, listed, .. } => {
            (round, json!({ "state": "opened", "mixers": mixers, "listed": listed }))
        }
        E::Scanned { round, messages, opened } => {
            (round, json!({ "state": "searched", "messages": messages, "opened": opened }))
        }
        E::Missed { round, why } => (round, json!({ "state": "missed", "why": why.to_string() })),
        _ => return None,
    };
    object["event"] = "round".into();
    object["round"] = round.0.into();
    Some(object)
}

#[cfg(test)]
mod tests {
    use zephyr_core::Round;
    use zephyr_core::session::Missed;

    use super::*;

    #[test]
    fn an_order_is_an_address_and_a_text() {
        let order: Order =
            serde_json::from_str(r#"{"to":"bob@example.org","text":"hi","ref":[7]}"#).unwrap();
        assert_eq!((order.to.as_str(), order.text.as_str()), ("bob@example.org", "hi"));
        assert_eq!(order.reference, json!([7]));
        for wrong in [r#"{"to":"bob@example.org"}"#, r#"{"to":"b","text":"x","cc":1}"#, "hi"] {
            assert!(serde_json::from_str::<Order>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rounds_and_deliveries_are_objects_with_an_event() {
        let missed = session::Event::Missed { round: Round(7), why: Missed::Void };
        let shown = object(&Event::Round(missed)).unwrap();
        assert_eq!((&shown["event"], &shown["round"]), (&json!("round"), &json!(7)));
        assert_eq!(shown["state"], "missed");
        assert!(shown["why"].as_str().is_some_and(|why| !why.is_empty()));
        let delivery = Delivery::Sent { round: Round(9) };
        let shown = object(&Event::Delivery { id: MessageId(3), delivery }).unwrap();
        assert_eq!(shown, json!({"event": "delivery", "id": 3, "state": "sent", "round": 9}));
    }
}
