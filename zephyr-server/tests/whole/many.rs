//! Mailboxes on more than one server, and one server's on more than one process.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use zephyr_client::{Connection, Message, Timeouts};
use zephyr_core::wire::{DownloadRefusal, MailboxReply, MailboxRequest, decode, encode};
use zephyr_core::{Mailbox, Role, Round};
use zephyr_server::listen::Limits;
use zephyr_server::store::Database;
use zephyr_server::{FrontConfig, MailboxFront, Node, NodeConfig, ServerEvent};

use super::metrics::Metrics;
use super::network::{Network, Plan, free_port};
use super::postgres::Postgres;
use super::{join, message};

const PATIENCE: Duration = Duration::from_secs(60);

/// All frames of a mailbox from whoever listens at `address` in place of the mailbox server `index`, or why there are
/// none.
async fn download(
    network: &Network,
    index: usize,
    address: SocketAddr,
    round: Round,
    mailbox: u32,
) -> Result<Vec<Vec<u8>>, DownloadRefusal> {
    let manifest = network.manifest.get();
    let key = manifest.server(Role::Mailbox, index).unwrap().link_key;
    let timeouts = Timeouts { connect: PATIENCE, send: PATIENCE, receive: PATIENCE };
    let address = address.to_string();
    let link = Connection::connect(&address, &key, manifest.network(), timeouts).await;
    let mut link = link.unwrap();
    let mut request = [0; 32];
    let request =
        encode(&MailboxRequest::Download { round, mailbox: Mailbox(mailbox) }, &mut request);
    link.send(request.unwrap()).await.unwrap();
    let mut frames = vec![link.recv().await.unwrap().to_vec()];
    let lists = match decode(&frames[0]).unwrap() {
        MailboxReply::Start { lists, .. } => lists,
        MailboxReply::Refused(why) => return Err(why),
        other => panic!("{other:?}"),
    };
    for _ in 0..lists {
        let head = link.recv().await.unwrap().to_vec();
        let MailboxReply::List { messages, .. } = decode(&head).unwrap() else { panic!("a list") };
        frames.push(head);
        for _ in 0..messages {
            frames.push(link.recv().await.unwrap().to_vec());
        }
    }
    assert_eq!(decode(link.recv().await.unwrap()), Ok(MailboxReply::End));
    Ok(frames)
}

/// A mailbox of a round that is complete before long.
async fn whole(network: &Network, node: &Node, round: Round, mailbox: u32) -> Vec<Vec<u8>> {
    loop {
        match download(network, node.index(), node.client_address(), round, mailbox).await {
            Ok(frames) => return frames,
            Err(DownloadRefusal::NotYet) => sleep(Duration::from_millis(50)).await,
            Err(why) => panic!("{why:?}"),
        }
    }
}

/// The next round that has a directory.
async fn agreed(node: &Node) -> Round {
    let mut events = node.events();
    let agreed = async {
        loop {
            if let Ok(ServerEvent::Agreed { round, .. }) = events.recv().await {
                return round;
            }
        }
    };
    timeout(PATIENCE, agreed).await.expect("a directory in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mailbox_server_keeps_its_part_and_replicas_are_the_same() {
    let mut network = Network::start(Plan { mailboxes: 3, ..Plan::default() }).await;
    let alice = join(&mut network, "alice@example.org").await;
    let bob = join(&mut network, "bob@example.org").await;
    let at_bob = message(&bob, PATIENCE);
    let to_bob = "bob@example.org".parse().unwrap();
    alice.send(&to_bob, Message::Text("somewhere".into())).await.unwrap();
    assert_eq!(at_bob.await.1, "somewhere");

    let servers: Vec<&Node> = network.of(Role::Mailbox).collect();
    let round = agreed(servers[0]).await;
    for mailbox in 0..3 {
        let keep: Vec<_> = network.manifest.get().mailbox_servers(Mailbox(mailbox)).collect();
        assert_eq!(keep.len(), 2);
        let mut replicas = Vec::new();
        for (index, server) in servers.iter().enumerate() {
            if keep.contains(&index) {
                replicas.push(whole(&network, server, round, mailbox).await);
            } else {
                let answer = download(&network, index, server.client_address(), round, mailbox);
                assert_eq!(answer.await, Err(DownloadRefusal::NotHere));
            }
        }
        assert_eq!(replicas[0], replicas[1]);
    }
    network.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run by cargo xtask test"]
async fn fronts_answer_for_their_mailbox_server_and_go_on_without_it() {
    let database = Postgres::start();
    let url = database.empty();
    let mut network = Network::start(Plan { mailboxes: 1, ..Plan::default() }).await;
    let place = network.nodes.iter().position(|node| node.role() == Role::Mailbox).unwrap();
    network.nodes.remove(place).stop().await;
    let config = network.configs[place].clone();
    let moved = NodeConfig {
        client_listen: free_port(),
        mailbox_database: Some(Database::new(&url)),
        ..config.clone()
    };
    let mut server = Some(Node::start(moved).await.unwrap());

    // One is where the network file says that the server is; the other may only read, and only from a standby.
    database.sql("CREATE ROLE reader LOGIN PASSWORD 'reader'");
    let schema = url.rsplit("%3D").next().unwrap();
    database.sql(&format!("GRANT USAGE ON SCHEMA {schema} TO reader"));
    database.sql(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader"));
    let standby = database.standby();
    let (_, parameters) = url.split_once('?').unwrap();
    let follows = standby.url(parameters);
    let (_, rest) = follows.split_once('@').unwrap();
    let reads = format!("postgres://reader:reader@{rest}");
    let mut fronts = Vec::new();
    for (client_listen, url) in [(config.client_listen.clone(), &url), (free_port(), &reads)] {
        let (manifest, seed) = (network.manifest.clone(), config.seed.clone());
        let (database, limits) = (Database::new(url), Limits::default());
        let metrics_listen = Some("127.0.0.1:0".into());
        let front = FrontConfig { manifest, seed, client_listen, database, metrics_listen, limits };
        fronts.push(MailboxFront::start(front).await.unwrap());
    }

    let alice = join(&mut network, "alice@example.org").await;
    let bob = join(&mut network, "bob@example.org").await;
    let at_bob = message(&bob, PATIENCE);
    let to_bob = "bob@example.org".parse().unwrap();
    alice.send(&to_bob, Message::Text("from a front".into())).await.unwrap();
    assert_eq!(at_bob.await.1, "from a front");
    let mut mailboxes = Vec::new();
    let running = server.as_ref().unwrap();
    assert_eq!(running.stats().downloads, 0);
    let round = agreed(running).await;
    for mailbox in 0..3 {
        mailboxes.push(whole(&network, running, round, mailbox).await);
    }
    database.is_followed_by(&standby);
    for runs in [true, false] {
        for front in &fronts {
            for (mailbox, whole) in (0..).zip(&mailboxes) {
                let answer = download(&network, 0, front.client_address(), round, mailbox).await;
                assert_eq!(answer.as_ref(), Ok(whole), "the server runs: {runs}");
            }
            let later = download(&network, 0, front.client_address(), Round(round.0 + 99), 0);
            assert_eq!(later.await, Err(DownloadRefusal::NotYet));
        }
        if let Some(server) = server.take() {
            server.stop().await;
        }
    }
    for front in &fronts {
        let metrics = Metrics::at(front.metrics_address().expect("it serves metrics"));
        assert_eq!(metrics.get("zephyr_downloads_total"), front.stats().downloads as f64);
        assert!(front.stats().downloads >= 6);
        let version = env!("CARGO_PKG_VERSION");
        let itself = format!("server=\"mailbox0\",role=\"mailbox-front\",version=\"{version}\"");
        assert_eq!(metrics.get(&format!("zephyr_server{{{itself}}}")), 1.0);
    }
    for front in fronts {
        front.stop().await;
    }
    network.stop().await;
}
