//! What the servers answer, mailbox servers excepted.

use zephyr_core::{
    Address, KeyShare, Role,
    session::ServerRef,
    wire::{
        InfoReply, InfoRequest, MixerReply, MixerRequest, PkgReply, PkgRequest, SecretShare,
        decode, encode,
    },
};

use crate::network::{Network, ROUND};

/// Writes a server's answer to `request` into `out`, and returns its length.
#[inline(never)]
pub fn answer(network: &Network<'_>, server: ServerRef, request: &[u8], out: &mut [u8]) -> usize {
    let written = match server.role {
        Role::Info => encode(&info(network, decode(request).expect("a request")), out),
        Role::Pkg => encode(&pkg(network, server.index, &decode(request).expect("a request")), out),
        Role::Mixer => {
            let MixerRequest::Submit { round, .. } = decode(request).expect("a request");
            assert_eq!(round, ROUND, "a packet of another round");
            encode(&MixerReply::Accepted, out)
        }
        role => panic!("no {role} is asked here"),
    };
    written.expect("there is room").len()
}

fn info<'n>(network: &'n Network<'_>, request: InfoRequest) -> InfoReply<'n> {
    match request {
        // The network's time is the client's.
        InfoRequest::Clock => InfoReply::Clock(super::client::start(network)),
        InfoRequest::Directory(round) => {
            assert_eq!(round, ROUND, "the directory of another round");
            InfoReply::Directory(network.directory())
        }
        InfoRequest::Manifest(_) => InfoReply::NoManifest,
    }
}

fn pkg(network: &Network<'_>, index: usize, request: &PkgRequest<'_>) -> PkgReply {
    let PkgRequest::Extract { address, .. } = request else { panic!("only keys are asked for") };
    let address = Address::from_canonical(address).expect("an address");
    let share: KeyShare<_> = network.secrets[index].extract(network.manifest.network(), &address);
    PkgReply::Share(SecretShare::new(share.to_bytes()))
}
