//! `zephyr recv`

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use zephyr_client::{Client, Delivery, Event, InboxMessage, Options, Store};
use zephyr_core::session::{self, Missed};

use super::require_registered;
use crate::cli::RecvArgs;
use crate::clock;
use crate::exit::Outcome;
use crate::files;
use crate::online::{Watch, while_running};
use crate::output::{line, note};

pub async fn run(store: Store, home: &Path, args: RecvArgs) -> Outcome {
    let client = Client::new(store.clone(), Options::default());
    let mut inbox =
        Inbox { client: &client, files: home.join("files"), json: args.json, left: args.messages };
    inbox.show().await?;
    if !inbox.enough() && args.wait != Some(Duration::ZERO) {
        require_registered(&store).await?;
        let events = client.events();
        let received = receive(&client, &mut inbox, events, args.wait);
        while_running(&client, received, Ok(())).await?;
    }
    store.close().await;
    Ok(())
}

/// Shows what comes, until the time is up or a whole round was searched.
async fn receive(
    client: &Client,
    inbox: &mut Inbox<'_>,
    mut events: Receiver<Event>,
    wait: Option<Duration>,
) -> Outcome {
    let mut watch = Watch::new(&client.store().home().network());
    // Longer than any network's rounds.
    let wait_until = Instant::now() + wait.unwrap_or(Duration::from_secs(7 * 86_400));
    loop {
        let event = match tokio::time::timeout_at(wait_until, events.recv()).await {
            Err(_) | Ok(Err(RecvError::Closed)) => break,
            Ok(Err(RecvError::Lagged(_))) => {
                inbox.show().await?;
                continue;
            }
            Ok(Ok(event)) => event,
        };
        if let Some(news) = watch.handle(&event)? {
            note(news);
        }
        match &event {
            Event::Message(_) => inbox.show().await?,
            Event::Delivery { id, delivery: Delivery::Delivered } => {
                let to = client.store().outbox_message(*id).await?.to;
                note(format_args!("your message {id} was delivered to {to}"));
            }
            Event::Round(event) if wait.is_none() && is_end(event) => break,
            _ => {}
        }
        if inbox.enough() {
            break;
        }
    }
    inbox.show().await
}

fn is_end(event: &session::Event) -> bool {
    use session::Event as E;
    matches!(
        event,
        E::Scanned { .. } | E::Missed { why: Missed::Void | Missed::NoMailbox | Missed::NoKey, .. }
    )
}

struct Inbox<'c> {
    client: &'c Client,
    files: PathBuf,
    json: bool,
    /// How many messages are still wanted; `None` for all.
    left: Option<u64>,
}

impl Inbox<'_> {
    fn enough(&self) -> bool {
        self.left == Some(0)
    }

    /// Shows what was not shown before.
    async fn show(&mut self) -> Outcome {
        for message in self.client.inbox(true).await? {
            if self.enough() {
                break;
            }
            let file = save(&self.files, &message)?;
            let shown = match self.json {
                true => json(&message, file).to_string(),
                false => text(&message, file),
            };
            line(shown);
            self.client.mark_seen(message.id).await?;
            self.left = self.left.map(|left| left - 1);
        }
        Ok(())
    }
}

/// Writes what is no text into the folder `files`, under a name that nobody else has chosen.
pub(super) fn save(files: &Path, message: &InboxMessage) -> Outcome<Option<PathBuf>> {
    if message.text().is_some() {
        return Ok(None);
    }
    files::private_dir(files)?;
    let path = files.join(format!("{}-round-{}", message.id, message.round));
    let path = std::path::absolute(&path).unwrap_or(path);
    files::replace(&path, &message.body)
        .map_err(|error| files::unusable("the file", &path, &error))?;
    Ok(Some(path))
}

/// What programs are shown of a message, and the path of its file.
pub(super) fn json(message: &InboxMessage, file: Option<PathBuf>) -> Value {
    let mut object = serde_json::json!({
        "from": message.from.as_ref().map(|from| from.as_str()),
        "authenticated": message.authenticated,
        "round": message.round.0,
        "received_at": clock::rfc3339(message.received_at),
    });
    match file {
        Some(path) => object["file"] = path.to_string_lossy().into(),
        None => object["text"] = message.text().into(),
    }
    object
}

fn text(message: &InboxMessage, file: Option<PathBuf>) -> String {
    let from = match &message.from {
        Some(from) => from.to_string(),
        None => "somebody (anonymous)".into(),
    };
    let time = clock::rfc3339(message.received_at);
    match file {
        Some(path) => {
            let (len, path) = (message.body.len(), path.display());
            format!("{time}  {from}: a file of {len} bytes: {path}")
        }
        None => format!("{time}  {from}: {}", printable(message.text().unwrap_or_default())),
    }
}

/// A text without what would steer the terminal.
fn printable(text: &str) -> String {
    let safe = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c };
    text.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use zephyr_core::{Address, Content, Round, UnixMs};

    use super::*;

    fn message(content: Content, body: &[u8]) -> InboxMessage {
        InboxMessage {
            id: 7,
            from: Some(Address::parse("alice@example.org").unwrap()),
            authenticated: true,
            content,
            body: body.to_vec(),
            round: Round(9),
            received_at: UnixMs(0),
            seen: false,
        }
    }

    #[test]
    fn a_message_is_one_json_object() {
        let object = json(&message(Content::Text, b"a\nb"), None);
        assert_eq!(
            object.to_string(),
            r#"{"authenticated":true,"from":"alice@example.org","received_at":"1970-01-01T00:00:00.000Z","round":9,"text":"a\nb"}"#
        );
        let object = json(&message(Content::File, b"x"), Some("/h/files/7".into())).to_string();
        assert!(object.contains(r#""file":"/h/files/7""#) && !object.contains("text"));
    }

    #[test]
    fn messages_cannot_steer_the_terminal() {
        let shown = text(&message(Content::Text, b"hi\x1b[2J\r\x07 there"), None);
        assert!(!shown.contains('\x1b') && !shown.contains('\r') && !shown.contains('\x07'));
        assert!(shown.contains("there"));
    }
}
