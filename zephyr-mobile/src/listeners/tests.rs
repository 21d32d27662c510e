use std::sync::mpsc;
use std::time::Duration;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

fn stopped() -> Signal {
    Signal::Stopped(None)
}

#[test]
fn a_listener_that_fails_or_panics_is_told_of_the_next_signal() {
    let hub = Arc::<Hub>::default();
    let (calls, called) = mpsc::channel();
    let mut count = 0;
    let _subscription = hub.subscribe(move |_| {
        count += 1;
        calls.send(count).unwrap();
        match count {
            1 => panic!("a mistake"),
            2 => Err(ListenerError::Failed { reason: "thrown".into() }),
            _ => Ok(()),
        }
    });
    (0..3).for_each(|_| hub.publish(&stopped()));
    assert_eq!((1..=3).map(|_| called.recv_timeout(PATIENCE).unwrap()).sum::<i32>(), 6);
}

#[test]
fn a_listener_stops_when_its_subscription_is_cancelled_or_dropped() {
    let hub = Arc::<Hub>::default();
    for end in [|it: Arc<Subscription>| it.cancel(), drop] {
        let (calls, called) = mpsc::channel();
        let subscription = hub.subscribe(move |_| {
            calls.send(()).unwrap();
            Ok(())
        });
        hub.publish(&stopped());
        called.recv_timeout(PATIENCE).unwrap();
        end(subscription);
        hub.publish(&stopped());
        // Its thread ends, and with it the sender.
        assert_eq!(called.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
    }
    assert!(hub.listeners.lock().unwrap().is_empty());
}

#[test]
fn listeners_are_told_everything_before_the_end() {
    let hub = Arc::<Hub>::default();
    let (calls, called) = mpsc::channel();
    let subscription = hub.subscribe(move |_| {
        calls.send(()).unwrap();
        Ok(())
    });
    hub.publish(&stopped());
    hub.end();
    assert_eq!(called.iter().count(), 1);
    subscription.cancel();
}
