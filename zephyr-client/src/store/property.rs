//! Whatever is cut into fragments is put together again, in whatever order and however often they come.

use proptest::prelude::*;
use zephyr_core::{Content, DirectoryHash, Round, UnixMs};

use super::outbox::Fragment;
use super::*;
use crate::testing::{alice, bob, sample};

const NOW: UnixMs = UnixMs(1_800_000_000_000);

fn incoming(fragment: Fragment, round: u64) -> Incoming {
    Incoming {
        sender: Some(alice()),
        content: fragment.content,
        message: fragment.message,
        stream: fragment.stream,
        sequence: fragment.sequence,
        fragment: fragment.fragment,
        fragments: fragment.fragments,
        round: Round(round),
        body: fragment.body,
    }
}

async fn there_and_back(body: &[u8], chunk: usize, order: &[prop::sample::Index]) {
    let sender = Store::in_memory(&alice(), &sample()).await.unwrap();
    let recipient = Store::in_memory(&bob(), &sample()).await.unwrap();
    sender.enqueue(&bob(), Content::File, body, chunk, NOW).await.unwrap();
    let directory = DirectoryHash::from_bytes([1; 32]);
    let mut parts = Vec::new();
    for round in 0.. {
        let Some(fragment) = sender.assign(Round(round), &directory, 0, &bob()).await.unwrap()
        else {
            break;
        };
        assert!(fragment.body.len() <= chunk);
        sender.mark_sent(Round(round), 0).await.unwrap().unwrap();
        parts.push(incoming(fragment, round));
    }
    let mut received = Vec::new();
    let picked = order.iter().map(|index| index.get(&parts));
    for part in picked.chain(&parts) {
        if let Receipt::Complete(message) = recipient.receive(part, chunk, NOW).await.unwrap() {
            received.push(message);
        }
    }
    assert_eq!(received.len(), 1, "once");
    assert_eq!(received[0].body, body);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_was_cut_is_put_together(
        body in prop::collection::vec(any::<u8>(), 0..600),
        chunk in 40usize..300,
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(there_and_back(&body, chunk, &order));
    }
}
