//! What a round takes of each server.

use zephyr_core::{Parameters, Role, RouteMode};

use super::sizes::{self, Bytes};
use super::units::Units;

/// By how much a client takes longer than its parts: the server's runtime, and caches that many clients share.
pub const SERVING: f64 = 1.2;
/// By how much a mailbox takes longer than its encryption: it is read from the database.
pub const READING: f64 = 1.8;
/// By how much a phase takes longer than its cryptography: links between mixers, shuffling, hashing.
pub const MIXING: f64 = 1.6;
/// What a mixer holds of a batch, in units of the batch.
pub const BATCH_MEMORY: f64 = 1.1;
/// A mixer has the noise of a round and, while it mixes, of the next.
const NOISE_ROUNDS: f64 = 2.0;
/// A replay set's entry: a key of 32 bytes in a table that is at least half full.
const REPLAY_ENTRY: f64 = 66.0;
/// How busy a processor and a network card may be, of what they can do: clients come as they like, and peaks must fit.
pub const LOAD: f64 = 0.5;

/// How many servers of the roles whose number the protocol's security depends on.
#[derive(Clone, Copy, Debug)]
pub struct Servers {
    pub mixers: usize,
    pub pkgs: usize,
}

/// What each server runs on.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    pub cores: f64,
    pub gbit: f64,
}

/// A network, the people in it, and what single operations take.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    pub users: u64,
    /// Each user's.
    pub contacts: u32,
    pub parameters: Parameters,
    pub servers: Servers,
    pub machine: Machine,
    pub units: Units,
}

/// What all servers of a role together take in a round; of mixers and PKGs, what each one takes.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    pub role: Role,
    /// Seconds on one core.
    pub cpu: f64,
    /// Bytes in and out.
    pub received: f64,
    pub sent: f64,
    /// Bytes in memory that grow with the number of people.
    pub memory: f64,
    /// Bytes on disks.
    pub storage: f64,
    /// How many servers of the machine's size it takes. Mixers and PKGs can't be divided: if it is more than one,
    /// the machine is too small.
    pub machines: f64,
}

/// Messages that all mixers together add to a mailbox: one mixer in each phase, or all of them in all.
pub fn noise_per_mailbox(parameters: &Parameters, mixers: usize) -> f64 {
    let hops = parameters.geometry.hops().min(mixers) as f64;
    hops * shares(parameters, mixers) * f64::from(parameters.noise_mu) / 1_000.0
}

/// How many mixers work in a phase: by so much routes divide its packets.
fn shares(parameters: &Parameters, mixers: usize) -> f64 {
    match parameters.routes {
        RouteMode::Round => 1.0,
        _ => mixers as f64,
    }
}

impl Model {
    fn users(&self) -> f64 {
        self.users as f64
    }

    pub fn round_seconds(&self) -> f64 {
        f64::from(self.parameters.round_ms) / 1_000.0
    }

    /// All users' packets of a round.
    pub fn packets(&self) -> f64 {
        self.users() * f64::from(self.parameters.packets_per_round)
    }

    /// Messages that one mixer adds in a phase.
    fn own_noise(&self) -> f64 {
        f64::from(self.parameters.noise_mu) / 1_000.0 * f64::from(self.parameters.mailboxes)
    }

    /// Messages of all users and mixers.
    fn messages(&self) -> f64 {
        let noise = noise_per_mailbox(&self.parameters, self.servers.mixers);
        self.packets() + noise * f64::from(self.parameters.mailboxes)
    }

    /// Messages in a mailbox.
    pub fn mailbox(&self) -> f64 {
        self.messages() / f64::from(self.parameters.mailboxes)
    }

    /// By how much routes divide the packets of a phase among the mixers.
    pub fn shares(&self) -> f64 {
        shares(&self.parameters, self.servers.mixers)
    }

    /// In how many phases of a round a mixer works at most.
    fn phases(&self) -> f64 {
        match self.parameters.routes {
            RouteMode::Round => 1.0,
            _ => self.parameters.geometry.hops().min(self.servers.mixers) as f64,
        }
    }

    /// Packets of a mixer's last phase, in which most of the others' noise is among them.
    pub fn phase_packets(&self) -> f64 {
        self.messages() / self.shares() - self.own_noise()
    }

    /// How long a phase takes a mixer, in seconds: what is slower of its processor and its network card. A packet is
    /// peeled for each of its noise too, which is made before, as far as there is time.
    pub fn phase_seconds(&self) -> f64 {
        let own = self.own_noise();
        let crypto =
            (self.phase_packets() + own) * self.units.peel + self.late() * own * self.units.noise;
        let bytes = self.phase_packets() * self.parameters.geometry.packet_len() as f64;
        (MIXING * crypto / self.machine.cores).max(bytes * 8.0 / (self.machine.gbit * 1e9))
    }

    /// Which part of its noise a mixer can't make while submissions come in, on one core fewer than it has.
    fn late(&self) -> f64 {
        let work = self.phases() * self.own_noise() * self.units.noise;
        let submitting = f64::from(self.parameters.submit_ms) / 1_000.0;
        (1.0 - submitting * (self.machine.cores - 1.0).max(1.0) / work).max(0.0)
    }

    /// From the end of the submit phase until the last message is in its mailbox, in seconds; the delivery counts as
    /// a phase.
    pub fn mixing_seconds(&self) -> f64 {
        (self.parameters.geometry.hops() + 1) as f64 * self.phase_seconds()
    }

    /// One mixer: as many phases as the routes have it work in.
    fn mixer(&self) -> Cost {
        let n = self.servers.mixers as f64;
        let hops = self.parameters.geometry.hops() as f64;
        let (packets, own) = (self.packets(), self.own_noise());
        // Of those that peel a packet of noise, there are fewer the later it is made.
        let noise = own * self.shares();
        let peeled = (packets * hops + noise * hops * (hops - 1.0) / 2.0) / n;
        // Clients bring each packet once, to the first mixer of its route.
        let submitted = packets / n;
        let clients = self.users() * sizes::entries(&self.parameters, self.servers) as f64 / n;
        let link = sizes::of_packets(&self.parameters, (submitted / clients).round() as usize);
        let cpu = MIXING * (peeled * self.units.peel + noise * hops / n * self.units.noise)
            + SERVING * clients * self.connection(link);
        let packet = self.parameters.geometry.packet_len() as f64;
        let batch = self.phase_packets() * packet;
        self.cost(Cost {
            role: Role::Mixer,
            cpu,
            received: (peeled - submitted) * packet + clients * link.up as f64,
            sent: peeled * packet + clients * link.down as f64,
            memory: BATCH_MEMORY * batch
                + REPLAY_ENTRY * self.phase_packets() * self.shares()
                + NOISE_ROUNDS * self.phases() * own * packet,
            storage: 0.0,
            machines: 0.0,
        })
    }

    /// One PKG: it alone has its round's secret.
    fn pkg(&self) -> Cost {
        let link = sizes::of_share();
        let each =
            self.connection(link) + self.units.look_up + self.units.extract + self.units.verify;
        self.clients(Role::Pkg, link, each, 0.0, 0.0)
    }

    /// All info-nodes.
    fn info(&self) -> Cost {
        let link = sizes::of_directory(self.servers);
        let (n, each) = (sizes::INFO_NODES, self.connection(link));
        self.clients(Role::Info, link.times(n), n as f64 * each, 0.0, 0.0)
    }

    /// All mailbox servers.
    fn mailbox_servers(&self) -> Cost {
        let link = sizes::of_mailbox(&self.parameters, self.servers, self.mailbox());
        let replicas = f64::from(self.parameters.replicas);
        let stored = self.messages() * self.parameters.geometry.sealed_len() as f64 * replicas;
        // A round is kept until it closes; meanwhile others are delivered.
        let kept =
            1.0 + f64::from(self.parameters.download_ms) / f64::from(self.parameters.round_ms);
        let each = self.connection(link) + (READING - 1.0) * self.frames(link);
        self.clients(Role::Mailbox, link, each, stored, kept * stored)
    }

    /// A role that each client asks once a round.
    fn clients(&self, role: Role, link: Bytes, each: f64, delivered: f64, storage: f64) -> Cost {
        self.cost(Cost {
            role,
            cpu: SERVING * self.users() * each,
            received: self.users() * link.up as f64 + delivered,
            sent: self.users() * link.down as f64,
            memory: 0.0,
            storage,
            machines: 0.0,
        })
    }

    /// With how many machines it takes.
    fn cost(&self, cost: Cost) -> Cost {
        let round = self.round_seconds();
        let busy = cost.cpu / (LOAD * self.machine.cores * round);
        let bytes = cost.received.max(cost.sent);
        let wire = bytes * 8.0 / (LOAD * self.machine.gbit * 1e9 * round);
        Cost { machines: busy.max(wire), ..cost }
    }

    /// A connection with its handshake and frames.
    fn connection(&self, bytes: Bytes) -> f64 {
        self.units.connection + self.units.handshake + self.frames(bytes)
    }

    /// The encryption of so many bytes.
    fn frames(&self, bytes: Bytes) -> f64 {
        (bytes.up + bytes.down) as f64 / 1_024.0 * self.units.frame_kib
    }

    /// Each role's.
    pub fn costs(&self) -> [Cost; 4] {
        [self.mixer(), self.pkg(), self.info(), self.mailbox_servers()]
    }

    /// Seconds that a client computes in a round, on one core of this machine: with messages of contacts only, and
    /// with trial decryption of its whole mailbox.
    pub fn client_seconds(&self) -> (f64, f64) {
        // Checking the sum of the shares takes four pairings without precomputed lines, sealing one and two
        // multiplications, which together take less than another.
        let keys = 5.0 * self.units.pairing;
        let slots = f64::from(self.parameters.packets_per_round);
        let sent = slots * (2.0 * self.units.pairing + self.units.noise);
        let tags = f64::from(self.contacts) * self.units.pairing;
        (keys + sent + tags, keys + sent + tags + self.mailbox() * self.units.pairing)
    }

    /// What a client exchanges in a round, by part.
    pub fn client_bytes(&self) -> [(&'static str, Bytes); 4] {
        sizes::client(&self.parameters, self.servers, self.mailbox())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local_network::{Counts, new_members, new_network};
    use zephyr_core::{
        Geometry, MixerAnnouncement, MixerIndex, PKG_KEY_SIZE, PkgAnnouncement, PkgIndex, Round,
        UnixMs, encode_directory,
    };

    fn model(users: u64, routes: RouteMode, noise_mu: u32) -> Model {
        let parameters = Parameters {
            geometry: Geometry::new(3, 1_024).unwrap(),
            routes,
            min_mixers: 3,
            packets_per_round: 1,
            mailboxes: 100,
            replicas: 1,
            genesis: UnixMs(0),
            round_ms: 600_000,
            open_ms: 60_000,
            submit_ms: 540_000,
            phase_ms: 60_000,
            deliver_ms: 60_000,
            download_ms: 300_000,
            noise_mu,
            noise_b: 0,
            min_batch: 0,
        };
        let units = Units {
            peel: 50e-6,
            noise: 400e-6,
            extract: 600e-6,
            verify: 50e-6,
            handshake: 150e-6,
            connection: 50e-6,
            look_up: 100e-6,
            frame_kib: 3e-6,
            pairing: 500e-6,
        };
        let servers = Servers { mixers: 3, pkgs: 3 };
        Model {
            users,
            contacts: 10,
            parameters,
            servers,
            machine: Machine { cores: 2.0, gbit: 1.0 },
            units,
        }
    }

    #[test]
    fn without_noise_everything_grows_with_the_users() {
        let (one, ten) = (model(10_000, RouteMode::Round, 0), model(100_000, RouteMode::Round, 0));
        for (one, ten) in one.costs().iter().zip(ten.costs()) {
            if one.role != Role::Mailbox {
                assert!((ten.cpu / one.cpu - 10.0).abs() < 1e-6, "{:?}", one.role);
            }
            assert!(ten.sent > one.sent);
        }
        // In as many mailboxes each has ten times as much, and ten times as many people get it.
        let sent = |model: &Model| model.costs()[3].sent;
        assert!(sent(&ten) / sent(&one) > 99.0);
    }

    #[test]
    fn a_phase_takes_its_cryptography_or_its_bytes() {
        let model = model(100_000, RouteMode::Round, 0);
        assert!((model.phase_seconds() - MIXING * 100_000.0 * 50e-6 / 2.0).abs() < 1e-9);
        let slow = Model { machine: Machine { cores: 1e6, gbit: 1.0 }, ..model };
        let bytes = 100_000.0 * model.parameters.geometry.packet_len() as f64;
        assert!((slow.phase_seconds() - bytes * 8.0 / 1e9).abs() < 1e-9);
    }

    #[test]
    fn routes_that_divide_the_packets_divide_the_phases() {
        let (round, rotations) =
            (model(30_000, RouteMode::Round, 0), model(30_000, RouteMode::Rotations, 0));
        assert!((round.phase_seconds() / rotations.phase_seconds() - 3.0).abs() < 1e-9);
        assert!((round.costs()[0].cpu - rotations.costs()[0].cpu).abs() < 1e-9);
    }

    #[test]
    fn noise_is_in_the_mailboxes_and_in_the_work() {
        let (none, some) =
            (model(10_000, RouteMode::Round, 0), model(10_000, RouteMode::Round, 20_000));
        assert_eq!((none.mailbox(), some.mailbox()), (100.0, 160.0));
        // 2,000 packets of each mixer: three make them, the other two of a route peel them.
        let crypto = MIXING * (3.0 * 2_000.0 * 50e-6 / 3.0 + 2_000.0 * 400e-6);
        assert!((some.costs()[0].cpu - none.costs()[0].cpu - crypto).abs() < 1e-9);
    }

    #[test]
    fn noise_is_made_before_the_phases_if_there_is_time() {
        let some = model(10_000, RouteMode::Round, 20_000);
        // 14,000 come in; for each of the 2,000 of its own a packet is peeled.
        let peeling = MIXING * 16_000.0 * 50e-6 / 2.0;
        assert!((some.phase_seconds() - peeling).abs() < 1e-9);
        let slow = Units { noise: 400e-3, ..some.units };
        // One core makes 1,350 in 540 seconds; two make the other 650 when the phase begins.
        let late = Model { units: slow, ..some }.phase_seconds() - peeling;
        assert!((late - MIXING * 650.0 * 400e-3 / 2.0).abs() < 1e-6, "{late}");
    }

    #[test]
    fn mixers_that_work_in_all_phases_add_noise_in_all_of_them() {
        let (none, some) =
            (model(10_000, RouteMode::Rotations, 0), model(10_000, RouteMode::Rotations, 20_000));
        assert_eq!((none.mailbox(), some.mailbox()), (100.0, 280.0));
        // 18,000 packets of noise in all, of which 2,000 are a mixer's own in its last phase.
        assert!((some.phase_packets() - none.phase_packets() - 4_000.0).abs() < 1e-6);
        let crypto = MIXING * (3.0 * 2_000.0 * 50e-6 + 3.0 * 2_000.0 * 400e-6);
        assert!((some.costs()[0].cpu - none.costs()[0].cpu - crypto).abs() < 1e-9);
        let packet = none.parameters.geometry.packet_len() as f64;
        let memory = some.costs()[0].memory - none.costs()[0].memory;
        let held = 2.0 * 3.0 * 2_000.0 * packet;
        let batch = BATCH_MEMORY * 4_000.0 * packet + REPLAY_ENTRY * 12_000.0;
        assert!((memory - held - batch).abs() < 1.0);
    }

    #[test]
    fn a_directory_has_the_length_that_is_counted_with() {
        let counts = Counts { mixers: 3, pkgs: 2, infos: 1, mailbox_servers: 1 };
        let members = new_members(&counts).unwrap();
        let network = new_network(&members, &model(1, RouteMode::Round, 0).parameters).unwrap();
        let mixer = MixerAnnouncement { round: Round(1), key: [0; 32], signature: [0; 64] };
        let pkg = PkgAnnouncement { round: Round(1), key: [0; PKG_KEY_SIZE], signature: [0; 64] };
        let mixers = [0, 1, 2].map(|i| (MixerIndex(i), mixer));
        let pkgs = [0, 1].map(|i| (PkgIndex(i), pkg));
        let mut out = [0; 4_096];
        let manifest = network.manifest();
        let len = encode_directory(&manifest, Round(1), &mixers, &pkgs, &mut out).unwrap();
        let servers = Servers { mixers: 3, pkgs: 2 };
        assert_eq!(sizes::directory(servers), len + 3 * 64, "with the mixers' signatures");
    }
}
