//! Whatever rounds do and however often programs end: everything arrives once and in order, and its sender knows.

use proptest::prelude::*;

use super::pair::{Fate, Pair};

/// What happens in a round, beside the packets' fates.
#[derive(Clone, Debug)]
enum Step {
    /// Somebody writes a message of so many bytes.
    Write(usize, usize),
    /// Somebody's program is started anew.
    Reopen(usize),
    /// A round of a while ago turns out to have been void.
    Void,
    Nothing,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..2_usize, 0..40_usize).prop_map(|(who, len)| Step::Write(who, len)),
        1 => (0..2_usize).prop_map(Step::Reopen),
        1 => Just(Step::Void),
        2 => Just(Step::Nothing),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Read(0)),
        1 => (0..9_u64).prop_map(Fate::Read),
        1 => (0..9_u64).prop_map(Fate::Twice),
        1 => Just(Fate::Lost),
        1 => Just(Fate::NotTaken),
        1 => Just(Fate::Unknown),
    ]
}

async fn play(steps: &[(Step, [Fate; 4])]) {
    let mut pair = Pair::new().await;
    let mut written = [Vec::new(), Vec::new()];
    for (step, fates) in steps {
        match *step {
            Step::Write(who, len) => {
                let body = vec![written[who].len() as u8; len];
                pair.write(who, &body).await;
                written[who].push(body);
            }
            Step::Reopen(who) => pair.reopen(who).await,
            Step::Void => pair.void(pair.round - 1).await,
            Step::Nothing => {}
        }
        let mut fates = fates.iter().copied();
        pair.round(|_| fates.next().unwrap()).await;
    }
    for who in 0..2 {
        pair.reopen(who).await;
    }
    let quiet = 40 + 10 * steps.len();
    for _ in 0..quiet {
        if pair.all_delivered(0).await && pair.all_delivered(1).await {
            break;
        }
        pair.rounds(1).await;
    }
    for (who, written) in written.iter().enumerate() {
        assert_eq!(pair.inbox(1 - who).await, *written, "once and in order");
        assert!(pair.all_delivered(who).await, "and its sender knows");
        assert_eq!(pair.store(who).unsent().await.unwrap(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn everything_arrives_once_and_in_order_and_is_reported(
        steps in prop::collection::vec((step(), [fate(), fate(), fate(), fate()]), 1..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(&steps));
    }
}
