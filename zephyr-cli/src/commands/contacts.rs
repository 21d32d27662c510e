//! `zephyr contacts`

use zephyr_client::{Client, Options, Store};

use crate::cli::ContactsCommand;
use crate::clock;
use crate::exit::{Failure, Outcome};
use crate::output::line;

pub async fn run(store: Store, command: ContactsCommand) -> Outcome {
    let client = Client::new(store.clone(), Options::default());
    match command {
        ContactsCommand::Add { address, note } => {
            let new = client.add_contact(&address, note.as_deref()).await?;
            let what = if new { "is a contact now" } else { "was a contact already" };
            line(format_args!("{address} {what}."));
        }
        ContactsCommand::Remove { address } => {
            if !client.remove_contact(&address).await? {
                return Err(Failure::failed(format!(
                    "{address} is no contact: see `contacts list`"
                )));
            }
            line(format_args!("{address} is no contact any more."));
        }
        ContactsCommand::Block { address } => {
            let new = client.block(&address).await?;
            let what = if new { "is blocked now" } else { "was blocked already" };
            line(format_args!("{address} {what}."));
        }
        ContactsCommand::Unblock { address } => {
            if !client.unblock(&address).await? {
                return Err(Failure::failed(format!(
                    "{address} is not blocked: see `contacts list`"
                )));
            }
            line(format_args!("{address} is not blocked any more."));
        }
        ContactsCommand::List { json } => {
            for contact in client.contacts().await? {
                let (address, added) = (&contact.address, clock::rfc3339(contact.added_at));
                line(if json {
                    serde_json::json!({
                        "address": address.as_str(), "blocked": false, "note": contact.note, "added_at": added
                    })
                    .to_string()
                } else {
                    format!("{address}  {}", contact.note).trim_end().to_owned()
                });
            }
            for address in client.blocked().await? {
                line(if json {
                    serde_json::json!({ "address": address.as_str(), "blocked": true }).to_string()
                } else {
                    format!("{address}  (blocked)")
                });
            }
        }
    }
    store.close().await;
    Ok(())
}
