//! `zephyr bench pkg`: shares of private keys for many clients.

use std::path::Path;
use std::sync::Arc;

use zephyr_core::registration::{MAX_REQUEST, Task};
use zephyr_core::session::client_key;
use zephyr_core::wire::{PkgBinding, PkgReply};
use zephyr_core::{Address, Role};
use zephyr_machine::pkg::Registration;
use zephyr_server::Native;
use zephyr_server::store::{Registrations, SqliteRegistrations};
use zeroize::Zeroizing;

use super::arena::{Arena, Plan, ROUND, Server, ask, late, patiently};
use super::info::{smallest, used};
use super::rows::Row;
use super::{bare, load};
use crate::cli::BenchClientsArgs;
use crate::clock;
use crate::exit::{Failure, Outcome};
use crate::files;
use crate::local_network::{Member, check_open_files};
use crate::server_config::sqlite_url;

/// The most memory that the PKG may take, in megabytes.
const MEMORY: f64 = 40.0;
const BARE: &str = "two hashes onto the groups and two multiplications";

/// The clients, who all have one secret and addresses of their own.
struct Clients {
    seed: Zeroizing<[u8; 32]>,
    count: usize,
}

impl Clients {
    fn address(number: usize) -> Address {
        Address::parse(&format!("client{number}@example.org")).expect("a good address")
    }

    /// Registers them all, in the PKG's database.
    async fn register(&self, pkg: &Member, state: &Path) -> Outcome {
        let key = client_key::<Native>(&self.seed, &files::public_keys(&pkg.seed).0);
        let registration = Registration::new(key, clock::now());
        // Each is written to disk before the next one: that is slow unless it is no disk.
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        let folder = folder.map_err(Failure::failed)?;
        let file = folder.path().join("pkg.db");
        let store = SqliteRegistrations::open(&sqlite_url(&file)).await.map_err(Failure::failed)?;
        for number in 0..self.count {
            let address = Self::address(number);
            store.put(&address, &registration).await.map_err(Failure::failed)?;
        }
        store.close().await;
        std::fs::copy(file, state.join("pkg.db")).map_err(Failure::failed)?;
        Ok(())
    }

    async fn extract(&self, number: usize, pkg: &Server) -> Outcome {
        let mut link = pkg.connect().await?;
        let handshake = *link.handshake_hash();
        let binding = PkgBinding { network: &pkg.network, pkg: &pkg.id, handshake: &handshake };
        let (address, mut out) = (Self::address(number), [0; MAX_REQUEST]);
        let request = Task::Extract(ROUND)
            .request::<Native>(&address, &self.seed, &binding, &mut out)
            .expect("there is room for a request");
        match ask(&mut link, request).await? {
            PkgReply::Share(_) => Ok(()),
            PkgReply::Refused(why) => Err(late(&why.to_string())),
            _ => Err(Failure::failed("the PKG gives no share")),
        }
    }
}

pub async fn run(args: &BenchClientsArgs) -> Outcome<Vec<Row>> {
    check_open_files(4, args.connections / 8)?;
    let plan = Plan { submit_ms: 20_000 + 3 * args.clients as u32, ..smallest() };
    patiently(plan, |plan| measure(args, plan)).await
}

async fn measure(args: &BenchClientsArgs, plan: Plan) -> Outcome<Vec<Row>> {
    let clients = Arc::new(Clients { seed: files::new_seed()?, count: args.clients });
    let register = async |pkg: &Member, state: &Path| clients.register(pkg, state).await;
    let arena = Arena::start(&plan, Some(Role::Pkg), register).await?;
    let measured = measure_in(&arena, args, &clients).await;
    arena.stop().await;
    measured
}

async fn measure_in(
    arena: &Arena,
    args: &BenchClientsArgs,
    clients: &Arc<Clients>,
) -> Outcome<Vec<Row>> {
    let (count, connections) = (args.clients, args.connections);
    let bare = bare::extract();
    let (pkg, before, clients) = (arena.server(Role::Pkg, 0), arena.usage(), clients.clone());
    let taken = load::come(count, connections, move |number| {
        let (clients, pkg) = (clients.clone(), pkg.clone());
        async move { clients.extract(number, &pkg).await }
    })
    .await?;
    let name =
        |what: &str| format!("PKG, {count} clients, {connections} connections at once: {what}");
    let each = taken.as_secs_f64() * 1e6 / count as f64;
    let beside = format!("{BARE} on all cores; the clients' part runs on the same cores");
    let mut rows = vec![
        Row::new(name("extractions a second"), 1e6 / each, "1/s"),
        Row::new(name("time of a client"), each, "µs")
            .against(beside, bare.time.as_secs_f64() * 1e6),
    ];
    if let (Some(before), Some(after)) = (before, arena.usage()) {
        let [cpu, memory] = used(name, (before, after), count, (BARE, bare));
        rows.extend([cpu, memory.limit(MEMORY)]);
    }
    Ok(rows)
}
