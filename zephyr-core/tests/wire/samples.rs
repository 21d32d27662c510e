//! One message of every variant, with its name.

use zephyr_core::wire::*;
use zephyr_core::*;

pub const ADDRESS: &str = "bob@example.org";
pub const KEY: ClientKey = ClientKey::from_bytes([7; 32]);
pub const SIGNATURE: Bytes<64> = Bytes([9; 64]);
pub const UNTIL: UnixMs = UnixMs(1_700_000_000_000);

fn encoded(message: &impl serde::Serialize) -> Vec<u8> {
    let mut buffer = vec![0; 4_096];
    encode(message, &mut buffer).unwrap().to_vec()
}

/// Name of the type, name of the message, its bytes as they are encoded.
pub type Sample = (&'static str, &'static str, Vec<u8>);

pub fn all() -> Vec<Sample> {
    [info(), mixer(), mailbox(), pkg_requests(), pkg_replies(), pkg_refusals()].concat()
}

fn info() -> Vec<Sample> {
    let request = |name, message: InfoRequest| ("InfoRequest", name, encoded(&message));
    let reply = |name, message: InfoReply<'_>| ("InfoReply", name, encoded(&message));
    vec![
        request("Clock", InfoRequest::Clock),
        request("Directory of round 300", InfoRequest::Directory(Round(300))),
        request("Manifest of version 7", InfoRequest::Manifest(7)),
        reply("Clock 1700000000000", InfoReply::Clock(UNTIL)),
        reply("Directory, here three bytes", InfoReply::Directory(&[1, 2, 3])),
        reply("NoDirectory NotYet", InfoReply::NoDirectory(NoDirectory::NotYet)),
        reply("NoDirectory Gone", InfoReply::NoDirectory(NoDirectory::Gone)),
        reply("Manifest, here three bytes", InfoReply::Manifest(&[1, 2, 3])),
        reply("NoManifest", InfoReply::NoManifest),
    ]
}

fn mixer() -> Vec<Sample> {
    let submit = |name, token: &[u8], packet: &[u8]| {
        let request = MixerRequest::Submit { round: Round(300), token, packet };
        ("MixerRequest", name, encoded(&request))
    };
    let reply = |name, message: MixerReply| ("MixerReply", name, encoded(&message));
    let refused = |name, why| reply(name, MixerReply::Refused(why));
    vec![
        submit("Submit round 300, no token, a packet, here three bytes", &[], &[1, 2, 3]),
        submit("Submit round 300, a token of two bytes, a packet of 200 bytes", &[8, 9], &[5; 200]),
        reply("Accepted", MixerReply::Accepted),
        refused("Refused NotYet", SubmitRefusal::NotYet),
        refused("Refused Closed", SubmitRefusal::Closed),
        refused("Refused NotHere", SubmitRefusal::NotHere),
        refused("Refused Length", SubmitRefusal::Length),
        refused("Refused Full", SubmitRefusal::Full),
    ]
}

fn mailbox() -> Vec<Sample> {
    let reply = |name, message: MailboxReply| ("MailboxReply", name, encoded(&message));
    let refused = |name, why| reply(name, MailboxReply::Refused(why));
    let download = MailboxRequest::Download { round: Round(300), mailbox: Mailbox(5) };
    let signature = Bytes([9; LIST_SIGNATURE_SIZE]);
    let list = MailboxReply::List { mixer: MixerIndex(2), messages: 200, signature };
    vec![
        ("MailboxRequest", "Download round 300, mailbox 5", encoded(&download)),
        reply("Start, 3 lists, 500 messages", MailboxReply::Start { lists: 3, messages: 500 }),
        reply("List of mixer 2, 200 messages, signature", list),
        reply("End", MailboxReply::End),
        refused("Refused NotYet", DownloadRefusal::NotYet),
        refused("Refused Gone", DownloadRefusal::Gone),
        refused("Refused NotHere", DownloadRefusal::NotHere),
        refused("Refused Unavailable", DownloadRefusal::Unavailable),
    ]
}

fn pkg_requests() -> Vec<Sample> {
    let request = |name, message: PkgRequest<'_>| ("PkgRequest", name, encoded(&message));
    let (address, key, signature) = (ADDRESS, KEY, SIGNATURE);
    let code = Code::parse("04HM-ASW9").unwrap();
    vec![
        request("Register bob@example.org, key", PkgRequest::Register { address, key }),
        request(
            "Confirm bob@example.org, key, code 04HM-ASW9",
            PkgRequest::Confirm { address, key, code },
        ),
        request("Veto bob@example.org, signature", PkgRequest::Veto { address, signature }),
        request(
            "Unregister bob@example.org, signature",
            PkgRequest::Unregister { address, signature },
        ),
        request(
            "Extract round 300, bob@example.org, signature",
            PkgRequest::Extract { round: Round(300), address, signature },
        ),
    ]
}

fn pkg_replies() -> Vec<Sample> {
    let reply = |name, message: PkgReply| ("PkgReply", name, encoded(&message));
    let share = SecretShare::new(zeroize::Zeroizing::new([5; SHARE_SIZE]));
    vec![
        reply("CodeSent, 600 seconds", PkgReply::CodeSent { seconds: 600 }),
        reply("Registered", PkgReply::Registered),
        reply("Waiting until 1700000000000", PkgReply::Waiting { until: UNTIL }),
        reply("Vetoed", PkgReply::Vetoed),
        reply("Unregistered", PkgReply::Unregistered),
        reply("Share", PkgReply::Share(share)),
    ]
}

fn pkg_refusals() -> Vec<Sample> {
    use PkgRefusal::*;
    let reply = |name, why| ("PkgReply", name, encoded(&PkgReply::Refused(why)));
    vec![
        reply("Refused BadAddress", BadAddress),
        reply("Refused NotRegistered", NotRegistered),
        reply("Refused RoundNotOpen", RoundNotOpen),
        reply("Refused WrongCode, 4 tries left", WrongCode { tries_left: 4 }),
        reply("Refused NoCode", NoCode),
        reply("Refused RateLimited, 600 seconds", RateLimited { seconds: 600 }),
        reply("Refused Waiting until 1700000000000", Waiting { until: UNTIL }),
        reply("Refused MailFailed", MailFailed),
        reply("Refused MailRefused", MailRefused),
        reply("Refused Busy", Busy),
        reply("Refused Unavailable", Unavailable),
        reply("Refused Malformed", Malformed),
    ]
}

/// Decodes bytes as a message of the named type and encodes it again.
pub fn again(kind: &str, bytes: &[u8]) -> Result<Vec<u8>, WireError> {
    match kind {
        "InfoRequest" => decode::<InfoRequest>(bytes).map(|m| encoded(&m)),
        "InfoReply" => decode::<InfoReply<'_>>(bytes).map(|m| encoded(&m)),
        "MixerRequest" => decode::<MixerRequest<'_>>(bytes).map(|m| encoded(&m)),
        "MixerReply" => decode::<MixerReply>(bytes).map(|m| encoded(&m)),
        "MailboxRequest" => decode::<MailboxRequest>(bytes).map(|m| encoded(&m)),
        "MailboxReply" => decode::<MailboxReply>(bytes).map(|m| encoded(&m)),
        "PkgRequest" => decode::<PkgRequest<'_>>(bytes).map(|m| encoded(&m)),
        "PkgReply" => decode::<PkgReply>(bytes).map(|m| encoded(&m)),
        other => panic!("{other}?"),
    }
}

pub const KINDS: [&str; 8] = [
    "InfoRequest",
    "InfoReply",
    "MixerRequest",
    "MixerReply",
    "MailboxRequest",
    "MailboxReply",
    "PkgRequest",
    "PkgReply",
];
