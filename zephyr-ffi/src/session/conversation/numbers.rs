//! Drafts and fragments as a conversation knows them: their numbers, without their contents.

use core::ptr;

use zephyr_core::session::Draft;
use zephyr_core::stream::{Acked, Arrival, Conversation};
use zephyr_core::{Content, PayloadHeader, Round};

use super::zephyr_arrival;
use super::zephyr_arrival_kind::*;
use crate::blocks::ZEPHYR_CONTENT_EMPTY;
use crate::session::fragment::{zephyr_draft, zephyr_fragment};

impl zephyr_draft {
    pub(super) fn of(draft: &Draft<'static>) -> Self {
        Self {
            content: ZEPHYR_CONTENT_EMPTY,
            stream: draft.stream,
            sequence: draft.sequence,
            ack_stream: draft.ack_stream,
            ack: draft.ack,
            fragment: draft.fragment,
            fragments: draft.fragments,
            message: draft.message,
            body: ptr::null(),
            body_len: 0,
        }
    }
}

impl zephyr_arrival {
    /// What becomes of a conversation when a fragment comes.
    pub(super) fn of(conversation: &mut Conversation, fragment: &zephyr_fragment) -> Self {
        let header = header(fragment);
        let acked = conversation.acknowledged(Round(fragment.round), &header);
        let (known, _) = conversation.receiving().ack();
        let begun = conversation.begun(&header);
        let kind = match conversation.arrived(&header) {
            None => ZEPHYR_ARRIVAL_EMPTY,
            Some(Arrival::New) => ZEPHYR_ARRIVAL_NEW,
            Some(Arrival::Duplicate) => ZEPHYR_ARRIVAL_DUPLICATE,
            Some(Arrival::Refused) => ZEPHYR_ARRIVAL_REFUSED,
        };
        let restart = if let Acked::Restart(stream) = acked { stream } else { 0 };
        let (_, arrived) = conversation.receiving().ack();
        Self {
            kind,
            acknowledged: conversation.sending().acked(),
            stream: conversation.sending().stream(),
            restart,
            started_over: (begun && known > 0).into(),
            arrived,
        }
    }
}

/// All that a conversation looks at.
fn header(fragment: &zephyr_fragment) -> PayloadHeader {
    let empty = fragment.content == ZEPHYR_CONTENT_EMPTY;
    PayloadHeader {
        sender: None,
        content: if empty { Content::Empty } else { Content::Text },
        slot: 0,
        message: fragment.message,
        stream: fragment.stream,
        sequence: fragment.sequence,
        ack_stream: fragment.ack_stream,
        ack: fragment.ack,
        fragment: fragment.fragment,
        fragments: fragment.fragments,
    }
}
