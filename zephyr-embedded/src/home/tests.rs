mod disk;
mod pair;
mod single;

use core::fmt::Debug;
use std::string::String;
use std::vec::Vec;

use embassy_futures::block_on;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use zephyr_core::{Content, NetworkId, Payload, PayloadHeader};

use super::*;
use crate::storage::Storage;
use disk::Disk;

const NETWORK: NetworkId = NetworkId::from_bytes([7; 32]);
const PAYLOAD_LEN: usize = 256;
const NOW: UnixMs = UnixMs(1_700_000_000_000);

fn address(name: &str) -> Address {
    Address::parse(name).expect("an address")
}

/// Opens the home of `name`, whose account is made if there is none.
async fn home<S: Storage>(mut storage: S, name: &str) -> Result<Home<'static, S>, Error<S::Error>> {
    let account = match Account::load(&mut storage).await? {
        Some(account) => account,
        None => {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            Account::create(&mut storage, address(name), &mut rng).await?
        }
    };
    let contacts = Vec::leak(std::vec![None, None]);
    Home::open(storage, account, contacts, &NETWORK, PAYLOAD_LEN).await
}

/// As the session reads it out of a mailbox.
fn payload<'b>(from: &str, draft: &zephyr_core::session::Draft<'b>) -> Payload<'b> {
    let header = PayloadHeader {
        sender: Some(address(from)),
        content: draft.content,
        slot: 0,
        message: draft.message,
        stream: draft.stream,
        sequence: draft.sequence,
        ack_stream: draft.ack_stream,
        ack: draft.ack,
        fragment: draft.fragment,
        fragments: draft.fragments,
    };
    Payload { header, body: draft.body }
}

fn ok<T, E: Debug>(result: Result<T, E>) -> T {
    result.expect("nothing fails here")
}
