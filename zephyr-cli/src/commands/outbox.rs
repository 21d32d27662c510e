//! `zephyr outbox`

use zephyr_client::{Delivery, OutboxMessage, Store};
use zephyr_core::Content;

use super::count;
use crate::cli::OutboxArgs;
use crate::clock;
use crate::exit::Outcome;
use crate::output::line;

pub async fn run(store: Store, args: &OutboxArgs) -> Outcome {
    for message in store.outbox().await? {
        line(if args.json { json(&message) } else { text(&message) });
    }
    store.close().await;
    Ok(())
}

fn kind(message: &OutboxMessage) -> &'static str {
    if message.content == Content::Text { "text" } else { "file" }
}

fn text(message: &OutboxMessage) -> String {
    let OutboxMessage { id, to, len, fragments, .. } = message;
    let (time, kind) = (clock::rfc3339(message.created_at), kind(message));
    let state = match message.delivery {
        Delivery::Queued => "queued".to_owned(),
        Delivery::Sending { sent, of } => format!("{sent} of {of} packets sent"),
        Delivery::Sent { round } => format!("sent in round {round}, not confirmed yet"),
        Delivery::Delivered => match message.delivered_at {
            Some(at) => format!("delivered, confirmed at {}", clock::rfc3339(at)),
            None => "delivered".to_owned(),
        },
        _ => "on its way".to_owned(),
    };
    let packets = count((*fragments).into(), "packet");
    format!("{id}  {time}  {to}: {kind} of {len} bytes in {packets}: {state}")
}

fn json(message: &OutboxMessage) -> String {
    let mut object = serde_json::json!({
        "id": message.id.0,
        "to": message.to.as_str(),
        "kind": kind(message),
        "bytes": message.len,
        "packets": message.fragments,
        "created_at": clock::rfc3339(message.created_at),
    });
    object["state"] = match message.delivery {
        Delivery::Queued => "queued",
        Delivery::Sending { .. } => "sending",
        Delivery::Sent { .. } => "sent",
        _ => "delivered",
    }
    .into();
    match message.delivery {
        Delivery::Sending { sent, .. } => object["packets_sent"] = sent.into(),
        Delivery::Sent { round } => object["round"] = round.0.into(),
        _ => {}
    }
    if let Some(at) = message.delivered_at {
        object["delivered_at"] = clock::rfc3339(at).into();
    }
    object.to_string()
}

#[cfg(test)]
mod tests {
    use zephyr_client::MessageId;
    use zephyr_core::{Address, Round, UnixMs};

    use super::*;

    fn message(delivery: Delivery) -> OutboxMessage {
        OutboxMessage {
            id: MessageId(3),
            to: Address::parse("bob@example.org").unwrap(),
            content: Content::Text,
            len: 2_000,
            fragments: 3,
            created_at: UnixMs(0),
            delivery,
            delivered_at: (delivery == Delivery::Delivered).then_some(UnixMs(1_000)),
        }
    }

    #[test]
    fn every_state_has_its_words() {
        let words = |delivery| text(&message(delivery));
        let begin =
            "3  1970-01-01T00:00:00.000Z  bob@example.org: text of 2000 bytes in 3 packets: ";
        for (delivery, end) in [
            (Delivery::Queued, "queued"),
            (Delivery::Sending { sent: 1, of: 3 }, "1 of 3 packets sent"),
            (Delivery::Sent { round: Round(9) }, "sent in round 9, not confirmed yet"),
            (Delivery::Delivered, "delivered, confirmed at 1970-01-01T00:00:01.000Z"),
        ] {
            assert_eq!(words(delivery), format!("{begin}{end}"));
        }
    }

    #[test]
    fn a_message_is_one_json_object() {
        let object = |delivery| -> serde_json::Value {
            serde_json::from_str(&json(&message(delivery))).unwrap()
        };
        let sending = object(Delivery::Sending { sent: 1, of: 3 });
        assert_eq!((&sending["state"], &sending["packets_sent"]), (&"sending".into(), &1.into()));
        let sent = object(Delivery::Sent { round: Round(9) });
        assert_eq!((&sent["state"], &sent["round"]), (&"sent".into(), &9.into()));
        let delivered = object(Delivery::Delivered);
        assert_eq!(delivered["state"], "delivered");
        assert_eq!(delivered["delivered_at"], "1970-01-01T00:00:01.000Z");
        assert_eq!((&delivered["id"], &delivered["packets"]), (&3.into(), &3.into()));
    }
}
