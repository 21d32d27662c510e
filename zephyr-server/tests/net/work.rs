//! What works between honest servers.

use std::time::{Duration, Instant};

use zephyr_server::net::{
    BatchError, CallError, Incoming, MAX_CALL_LEN, Net, NodeId, RecordError, RosterError,
    StartError,
};

use crate::node::{
    LONG, Node, SHORT, assert_alive, config, id, introduce, network, network_of, start, stop_all,
};

/// Reads a whole batch and acknowledges it with its header; returns the number of items.
async fn take_batch(node: &mut Node) -> Result<usize, BatchError> {
    let Some(Incoming::Batch { header, item_len, mut reader, .. }) = node.incoming.recv().await
    else {
        panic!("expected a batch")
    };
    let mut count = 0;
    while let announced @ 1.. = reader.announced().await? {
        let mut items = vec![0; announced * item_len];
        reader.read(&mut items).await?;
        for item in items.chunks(item_len) {
            assert_eq!(item[..4], (count as u32).to_be_bytes());
            count += 1;
        }
    }
    reader.acknowledge(&header).await?;
    Ok(count)
}

async fn send_batch(
    from: &zephyr_server::net::NetHandle,
    to: NodeId,
    items: u32,
    len: usize,
) -> Result<Vec<u8>, BatchError> {
    let mut writer = from.open_batch(to, b"header".to_vec(), len).await?;
    let mut item = vec![7; len];
    for n in 0..items {
        item[..4].copy_from_slice(&n.to_be_bytes());
        writer.write_item(&item).await?;
    }
    writer.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn four_nodes_call_each_other() {
    let mut nodes = network(4).await;
    for from in 0..4 {
        for to in 0..4 {
            if from == to {
                let own = nodes[from].id();
                assert_eq!(
                    nodes[from].handle.call(own, vec![], LONG).await,
                    Err(CallError::UnknownPeer)
                );
            } else {
                assert_alive(&mut nodes, from, to).await;
            }
        }
        assert_eq!(nodes[from].handle.connected().len(), 3);
    }
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_hears_of_a_declined_and_of_a_missing_answer() {
    let mut nodes = network(2).await;
    let (caller, to) = (nodes[0].handle.clone(), nodes[1].id());
    let (answer, ()) = tokio::join!(caller.call(to, vec![1], LONG), async {
        drop(nodes[1].incoming.recv().await);
    });
    assert_eq!(answer, Err(CallError::Declined));
    let (answer, kept) = tokio::join!(caller.call(to, vec![1], SHORT), nodes[1].incoming.recv());
    assert_eq!(answer, Err(CallError::Timeout));
    drop(kept);
    let unreached = id(99);
    assert_eq!(caller.call(unreached, vec![1], LONG).await, Err(CallError::UnknownPeer));
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_answers_busy() {
    let mut small = config(2, "127.0.0.1:0");
    small.incoming_queue = 1;
    let nodes = network_of(vec![config(1, "127.0.0.1:0"), small]).await;
    let (caller, to) = (nodes[0].handle.clone(), nodes[1].id());
    let waiting = caller.call(to, vec![1], SHORT);
    let (first, second) = tokio::join!(waiting, async {
        tokio::time::sleep(SHORT / 3).await;
        caller.call(to, vec![2], SHORT).await
    });
    assert_eq!((first, second), (Err(CallError::Timeout), Err(CallError::Busy)));
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_long_calls_and_answers_are_refused_where_they_arise() {
    let mut nodes = network(2).await;
    let (caller, to) = (nodes[0].handle.clone(), nodes[1].id());
    assert_eq!(caller.call(to, vec![0; MAX_CALL_LEN + 1], LONG).await, Err(CallError::TooLong));
    let (answer, ()) = tokio::join!(caller.call(to, vec![5; MAX_CALL_LEN], LONG), async {
        let Some(Incoming::Call { request, reply, .. }) = nodes[1].incoming.recv().await else {
            panic!("a call")
        };
        assert_eq!(request.len(), MAX_CALL_LEN);
        assert!(reply.send(request));
    });
    assert_eq!(answer, Ok(vec![5; MAX_CALL_LEN]));
    let (answer, ()) = tokio::join!(caller.call(to, vec![], LONG), async {
        let Some(Incoming::Call { reply, .. }) = nodes[1].incoming.recv().await else {
            panic!("a call")
        };
        assert!(!reply.send(vec![0; MAX_CALL_LEN + 1]));
    });
    assert_eq!(answer, Err(CallError::Declined));
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_5000_items_arrives_whole_and_acknowledged() {
    let mut nodes = network(2).await;
    let (sender, to) = (nodes[0].handle.clone(), nodes[1].id());
    let begun = Instant::now();
    let (acknowledgement, count) =
        tokio::join!(send_batch(&sender, to, 5000, 1400), take_batch(&mut nodes[1]));
    println!("7 MB in {:?}", begun.elapsed());
    assert_eq!(count.unwrap(), 5000);
    assert_eq!(acknowledgement.unwrap(), b"header");
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_arrives_whole_wherever_its_blocks_end() {
    let mut nodes = network(2).await;
    let (sender, to) = (nodes[0].handle.clone(), nodes[1].id());
    for items in [0, 1, 63, 64, 65, 127, 128, 129] {
        let (acknowledgement, count) =
            tokio::join!(send_batch(&sender, to, items, 1024), take_batch(&mut nodes[1]));
        assert_eq!(count.unwrap(), items as usize);
        assert_eq!(acknowledgement.unwrap(), b"header");
    }
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_all_peers_at_once_get_through() {
    let mut nodes = network(4).await;
    let to = nodes[3].id();
    let mut sending = tokio::task::JoinSet::new();
    for n in 0..24 {
        let sender = nodes[n % 3].handle.clone();
        sending.spawn(async move { send_batch(&sender, to, n as u32, 100).await });
    }
    let mut items = 0;
    for _ in 0..24 {
        items += take_batch(&mut nodes[3]).await.unwrap();
    }
    assert_eq!(items, (0..24).sum::<usize>());
    for acknowledgement in sending.join_all().await {
        assert_eq!(acknowledgement.unwrap(), b"header");
    }
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_dropped_by_either_side_fails_on_the_other() {
    let mut nodes = network(2).await;
    let (sender, to) = (nodes[0].handle.clone(), nodes[1].id());
    let (sent, ()) = tokio::join!(send_batch(&sender, to, 2000, 1400), async {
        drop(nodes[1].incoming.recv().await);
    });
    assert!(matches!(sent, Err(BatchError::Lost(_))), "{sent:?}");

    let (opened, read) = tokio::join!(
        async {
            let mut writer = sender.open_batch(to, vec![], 4).await.unwrap();
            writer.write_item(&[0; 4]).await.unwrap();
        },
        take_batch(&mut nodes[1])
    );
    let () = opened;
    assert!(matches!(read, Err(BatchError::Lost(_))), "{read:?}");
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_out_of_form_is_refused_before_it_is_sent() {
    let nodes = network(2).await;
    let (sender, to) = (nodes[0].handle.clone(), nodes[1].id());
    for (header, item_len) in [(4097, 1), (0, 0), (0, 65_537)] {
        let opened = sender.open_batch(to, vec![0; header], item_len).await;
        assert!(matches!(opened, Err(BatchError::Form)), "{opened:?}");
    }
    assert!(matches!(sender.open_batch(id(99), vec![], 1).await, Err(BatchError::UnknownPeer)));
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_can_have_only_so_many_batches_open() {
    let mut receiver = config(2, "127.0.0.1:0");
    receiver.max_batches_per_peer = 2;
    let mut sender = config(1, "127.0.0.1:0");
    sender.open_timeout = SHORT;
    let mut nodes = network_of(vec![sender, receiver]).await;
    let (sender, to) = (nodes[0].handle.clone(), nodes[1].id());
    let _first = sender.open_batch(to, vec![], 1).await.unwrap();
    let _second = sender.open_batch(to, vec![], 1).await.unwrap();
    let third = sender.open_batch(to, vec![], 1).await;
    assert!(matches!(third, Err(BatchError::Unreachable)), "{third:?}");
    drop(nodes[1].incoming.recv().await);
    sender.open_batch(to, vec![], 1).await.expect("a place is free again");
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_readable_everywhere() {
    let nodes = network(5).await;
    let begun = Instant::now();
    nodes[0].handle.put_record(b"round/1/mixer".to_vec(), vec![9; 12 * 1024]).await.unwrap();
    for node in &nodes {
        let value = node.handle.get_record(b"round/1/mixer".to_vec()).await;
        assert_eq!(value, Some(vec![9; 12 * 1024]));
    }
    println!("read by 5 nodes after {:?}", begun.elapsed());
    assert_eq!(nodes[1].handle.get_record(b"round/2/mixer".to_vec()).await, None);

    let long = nodes[0].handle.put_record(b"k".to_vec(), vec![0; 12 * 1024 + 1]).await;
    assert_eq!(long, Err(RecordError::TooLong));
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn different_values_of_one_key_are_all_found() {
    let nodes = network(3).await;
    // Before they have met, each keeps its own value.
    let lonely = [start(config(11, "127.0.0.1:0")).await, start(config(12, "127.0.0.1:0")).await];
    for (n, node) in lonely.iter().enumerate() {
        node.handle.put_record(b"key".to_vec(), vec![n as u8]).await.unwrap();
    }
    introduce(&lonely, &[]).await;
    let mut values = lonely[0].handle.get_records(b"key".to_vec()).await;
    values.sort();
    assert!(values == [[0], [1]] || values == [[0]] || values == [[1]], "{values:?}");
    assert!(nodes[0].handle.get_records(b"key".to_vec()).await.is_empty());
    stop_all(lonely.into()).await;
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pruned_records_are_forgotten() {
    let nodes = network(2).await;
    nodes[0].handle.put_record(b"round/1".to_vec(), vec![1]).await.unwrap();
    nodes[0].handle.put_record(b"round/2".to_vec(), vec![2]).await.unwrap();
    let at_other = |key: &'static [u8]| nodes[1].handle.get_record(key.to_vec());
    assert_eq!(at_other(b"round/1").await, Some(vec![1]));
    let gone = async {
        loop {
            for node in &nodes {
                node.handle.prune(|key| key == b"round/1").await;
            }
            if at_other(b"round/1").await.is_none() {
                return;
            }
        }
    };
    tokio::time::timeout(LONG, gone).await.unwrap();
    assert_eq!(at_other(b"round/2").await, Some(vec![2]));
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_restarts_on_its_port_is_reachable_again_and_gets_the_records() {
    let mut nodes = network(3).await;
    let peers: Vec<_> = nodes.iter().map(Node::peer).collect();
    let gone = nodes.pop().unwrap();
    let (address, gone_id) = (gone.address, gone.id());
    gone.stop().await;
    let call = nodes[0].handle.call(gone_id, vec![], SHORT).await;
    assert!(matches!(call, Err(CallError::Unreachable | CallError::Lost)), "{call:?}");
    nodes[0].handle.put_record(b"meanwhile".to_vec(), vec![4]).await.unwrap();

    let mut again = config(3, &address.to_string());
    again.peers = peers;
    nodes.push(start(again).await);
    assert_alive(&mut nodes, 0, 2).await;
    assert_alive(&mut nodes, 2, 1).await;
    assert_eq!(nodes[2].handle.get_record(b"meanwhile".to_vec()).await, Some(vec![4]));
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_waits_for_a_server_that_is_just_starting() {
    let late = start(config(2, "127.0.0.1:0")).await;
    let (address, late_peer) = (late.address, late.peer());
    late.stop().await;
    let node = start(config(1, "127.0.0.1:0")).await;
    let peers = vec![node.peer(), late_peer];
    node.handle.set_peers(peers.clone()).await.unwrap();
    let call = node.handle.call(id(2), vec![1, 2], LONG);
    let (answer, late) = tokio::join!(call, async {
        tokio::time::sleep(SHORT).await;
        let mut again = config(2, &address.to_string());
        again.peers = peers;
        let mut late = start(again).await;
        late.answer_one().await;
        late
    });
    assert_eq!(answer.unwrap()[1..], [2, 1]);
    stop_all(vec![node, late]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn host_names_are_resolved() {
    let mut nodes =
        vec![start(config(1, "127.0.0.1:0")).await, start(config(2, "localhost:0")).await];
    let mut peers: Vec<_> = nodes.iter().map(Node::peer).collect();
    for peer in &mut peers {
        peer.address = peer.address.replace("127.0.0.1", "localhost").replace("[::1]", "localhost");
    }
    for node in &nodes {
        node.handle.set_peers(peers.clone()).await.unwrap();
    }
    assert_alive(&mut nodes, 0, 1).await;
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_taken_off_the_list_is_shut_out() {
    let mut nodes = network(3).await;
    let remaining: Vec<_> = nodes[..2].iter().map(Node::peer).collect();
    let out = nodes[2].id();
    for node in &nodes[..2] {
        node.handle.set_peers(remaining.clone()).await.unwrap();
    }
    assert!(!nodes[0].handle.connected().contains(&out));
    assert_eq!(nodes[0].handle.call(out, vec![], LONG).await, Err(CallError::UnknownPeer));
    assert!(nodes[2].handle.call(id(1), vec![1], SHORT).await.is_err());
    assert_alive(&mut nodes, 0, 1).await;
    let without_own = nodes[0].handle.set_peers(remaining[1..].to_vec()).await;
    assert!(without_own.is_err());
    stop_all(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_key_is_not_listed_does_not_start() {
    let mut foreign = config(1, "127.0.0.1:0");
    foreign.seed = [2; 32].into();
    let error = Net::bind(foreign).await.unwrap_err();
    assert!(
        matches!(error, StartError::Roster(RosterError::OwnKeyMissing(own)) if own == id(2)),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_said_and_a_port_left_is_free() {
    let nodes = network(2).await;
    let address = nodes[0].address;
    let error = Net::bind(config(3, &address.to_string())).await.unwrap_err();
    assert!(matches!(error, StartError::Listen { .. }), "{error}");
    stop_all(nodes).await;
    std::net::TcpListener::bind(address).expect("the port is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_handle_dropped_shuts_down_and_an_aborted_task_leaves_nothing() {
    let Node { handle, incoming, task, address, .. } = start(config(1, "127.0.0.1:0")).await;
    let other = handle.clone();
    drop(handle);
    assert!(!task.is_finished());
    drop((other, incoming));
    tokio::time::timeout(LONG, task).await.expect("it ends").unwrap();
    std::net::TcpListener::bind(address).expect("the port is free");

    let node = start(config(1, "127.0.0.1:0")).await;
    node.task.abort();
    assert!(node.task.await.unwrap_err().is_cancelled());
    std::net::TcpListener::bind(node.address).expect("the port is free");
    assert_eq!(node.handle.call(id(2), vec![], LONG).await, Err(CallError::Stopped));
    assert!(node.handle.get_record(b"k".to_vec()).await.is_none());
    node.handle.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_stay_bounded_over_many_rounds() {
    let nodes = network(2).await;
    for round in 0..2000u32 {
        nodes[0].handle.put_record(round.to_be_bytes().to_vec(), vec![1; 100]).await.unwrap();
    }
    assert!(nodes[0].handle.get_record(1999u32.to_be_bytes().to_vec()).await.is_some());
    let old = async {
        while nodes[1].handle.get_record(0u32.to_be_bytes().to_vec()).await.is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, old).await.expect("the oldest records have gone");
    stop_all(nodes).await;
}
