//! A mixer that keeps all rules but one: what it has peeled it keeps to itself, and sends empty batches on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use zephyr_core::wire::decode;
use zephyr_core::{Hedge, ServerId, SigningGuard, UnixMs, server_keys};
use zephyr_machine::batch::Batch;
use zephyr_machine::board::Board;
use zephyr_machine::mixer_server::{CallId, Expected, MixerAction, MixerServer};
use zephyr_machine::peer::{BatchHeader, encode};
use zephyr_machine::record::RecordKey;
use zephyr_server::net::{BatchReader, Incoming, Net, NetConfig, NetHandle, NodeId, Peer, Reply};
use zephyr_server::{Native, NodeConfig};

use super::network::now;

type Rules = MixerServer<Native>;
/// Something that has been done, to be told to the rules.
type Done = Box<dyn FnOnce(&mut Rules) + Send>;

const PATIENCE: Duration = Duration::from_secs(5);

/// The mixer, which runs until it is stopped.
pub struct Thief {
    stop: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
    net: NetHandle,
}

impl Thief {
    pub async fn start(config: &NodeConfig) -> Self {
        let (identity_seed, _) = server_keys(&config.seed);
        let manifest = config.manifest.clone();
        let board = Arc::new(Mutex::new(Board::new()));
        let peers = manifest.get().all().map(|server| Peer {
            identity: node(&server.id),
            address: server.peer_address.to_owned(),
        });
        let check = {
            let (board, manifest) = (board.clone(), manifest.clone());
            Arc::new(move |key: &[u8], value: &[u8]| {
                let Some(at) = RecordKey::from_slice(key) else { return false };
                board.lock().unwrap().put::<Native>(&manifest.at(at.round), key, value, now())
            })
        };
        let net_config =
            NetConfig::new(*identity_seed, config.peer_listen.clone(), peers.collect(), check);
        let (network, net, incoming) = Net::bind(net_config).await.unwrap();
        let hedge = Hedge::new([7; 32], now().0);
        let rules = Rules::new(manifest, identity_seed, hedge, SigningGuard::default(), now());
        let (stop, stopped) = watch::channel(false);
        let (done, results) = mpsc::unbounded_channel();
        let calls = HashMap::new();
        let shell = Shell { rules, board, net: net.clone(), calls, next_call: 0, done };
        let shell = tokio::spawn(shell.run(incoming, results, stopped));
        Self { stop, tasks: [shell, tokio::spawn(network.run())], net }
    }

    pub async fn stop(self) {
        let _ = self.stop.send(true);
        self.net.shutdown().await;
        for task in self.tasks {
            let _ = task.await;
        }
    }
}

fn node(id: &ServerId) -> NodeId {
    NodeId::from_bytes(*id.as_bytes())
}

struct Shell {
    rules: Rules,
    board: Arc<Mutex<Board>>,
    net: NetHandle,
    calls: HashMap<CallId, Reply>,
    next_call: u64,
    done: mpsc::UnboundedSender<Done>,
}

impl Shell {
    async fn run(
        mut self,
        mut incoming: mpsc::Receiver<Incoming>,
        mut results: mpsc::UnboundedReceiver<Done>,
        mut stop: watch::Receiver<bool>,
    ) {
        loop {
            while let Some(action) = self.poll() {
                self.act(action);
            }
            tokio::select! {
                _ = stop.changed() => return,
                () = sleep(Duration::from_millis(10)) => {}
                Some(done) = results.recv() => done(&mut self.rules),
                message = incoming.recv() => match message {
                    Some(message) => self.hear(message),
                    None => return,
                },
            }
        }
    }

    fn poll(&mut self) -> Option<MixerAction<Native>> {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        self.rules.poll(&self.board.lock().unwrap(), now(), &mut rng)
    }

    /// Does something beside, and tells the rules.
    fn beside(&self, work: impl Future<Output = Option<Done>> + Send + 'static) {
        let done = self.done.clone();
        tokio::spawn(async move {
            if let Some(result) = work.await {
                let _ = done.send(result);
            }
        });
    }

    fn act(&mut self, action: MixerAction<Native>) {
        let net = self.net.clone();
        match action {
            MixerAction::Publish { key, record } => self.beside(async move {
                net.put_record(key.to_bytes().to_vec(), record.to_bytes()).await.ok();
                None
            }),
            MixerAction::Fetch { keys } => self.beside(async move {
                for key in keys {
                    net.get_record(key.to_bytes().to_vec()).await;
                }
                None
            }),
            MixerAction::StoreGuard { .. } => self.rules.guard_stored(true),
            MixerAction::Propose { round, to, index, request } => self.beside(async move {
                let answer = net.call(node(&to), request.to_vec(), PATIENCE).await.ok();
                let reply = answer.as_deref().and_then(|answer| decode(answer).ok());
                Some(Box::new(move |rules: &mut Rules| rules.answered(round, index, reply)) as Done)
            }),
            MixerAction::Reply { call, reply } => {
                if let Some(waiting) = self.calls.remove(&call) {
                    waiting.send(encode(&reply));
                }
            }
            MixerAction::Prepare { .. } => {}
            MixerAction::Mix { round, phase, batch, noise, work, mut seen, .. } => {
                let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
                let mut mixed = work.run(batch, noise, &mut seen, &mut rng);
                for packets in mixed.packets.values_mut() {
                    *packets = Batch::new(packets.item_len()).into();
                }
                for messages in mixed.messages.values_mut() {
                    *messages = Batch::new(messages.item_len()).into();
                }
                self.rules.mixed(round, phase, mixed, seen);
            }
            MixerAction::Send { round, phase, to, index, header, packets, until } => {
                let batch = packets.to_batch();
                self.send(to, header, batch, until, move |rules| rules.sent(round, index, phase));
            }
            MixerAction::Upload { round, to, header, delivery, until } => {
                let batch = delivery.to_batch();
                self.send(to, header, batch, until, move |rules| rules.uploaded(round, &to));
            }
            MixerAction::TellVoid { to, request, .. } => self.beside(async move {
                for id in to {
                    net.call(node(&id), request.to_vec(), PATIENCE).await.ok();
                }
                None
            }),
            MixerAction::Ask { id, .. } => self.rules.told(id, None, now()),
            MixerAction::Event(_) => {}
        }
    }

    fn send(
        &self,
        to: ServerId,
        header: BatchHeader,
        batch: Batch,
        until: UnixMs,
        done: impl FnOnce(&mut Rules) + Send + 'static,
    ) {
        let net = self.net.clone();
        self.beside(async move {
            while now() < until {
                if send_once(&net, &to, &header, &batch).await.is_some() {
                    return Some(Box::new(done) as Done);
                }
                sleep(Duration::from_millis(50)).await;
            }
            None
        });
    }

    fn hear(&mut self, message: Incoming) {
        match message {
            Incoming::Call { from, request, reply } => {
                let call = CallId(self.next_call);
                self.next_call += 1;
                self.calls.insert(call, reply);
                let from = ServerId::from_bytes(*from.as_bytes());
                self.rules.call(call, &from, &request, &self.board.lock().unwrap(), now());
            }
            Incoming::Batch { from, header, item_len, reader } => {
                let from = ServerId::from_bytes(*from.as_bytes());
                if let Some(what) = self.rules.expects(&from, &header, item_len) {
                    self.beside(receive(what, item_len, reader));
                }
            }
            _ => {}
        }
    }
}

async fn send_once(
    net: &NetHandle,
    to: &ServerId,
    header: &BatchHeader,
    batch: &Batch,
) -> Option<()> {
    let opened = net.open_batch(node(to), header.to_bytes(), batch.item_len()).await;
    let mut writer = opened.ok()?;
    for item in batch.iter() {
        writer.write_item(item).await.ok()?;
    }
    writer.finish().await.ok().map(drop)
}

async fn receive(what: Expected, item_len: usize, mut reader: BatchReader) -> Option<Done> {
    let Expected { round, phase, from } = what;
    let (mut batch, mut digest) = (Batch::new(item_len), Sha256::new());
    while let items @ 1.. = reader.announced().await.ok()? {
        let items = batch.grow(items);
        reader.read(items).await.ok()?;
        digest.update(items);
    }
    let digest = digest.finalize().into();
    Some(Box::new(move |rules: &mut Rules| {
        if rules.received(round, phase, from, digest, batch) {
            tokio::spawn(async move { reader.acknowledge(&[]).await });
        }
    }))
}
