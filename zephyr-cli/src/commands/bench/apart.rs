//! A server in a process of its own, so that what it takes can be told from what everything else takes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use zephyr_client::Network;
use zephyr_core::Role;

use crate::exit::{Failure, Outcome};
use crate::files;
use crate::local_network::Member;

/// Linux counts a process's time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// The process. Killed when it is dropped.
pub struct Apart {
    process: Child,
}

/// What a process has used.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// The most memory that was resident, in bytes.
    pub peak_bytes: u64,
    /// What is resident now, in bytes.
    pub bytes: u64,
    /// Time of all processors, in the program and in the kernel on its behalf.
    pub cpu: Duration,
}

impl Apart {
    /// Starts this program as a server with its files in `folder`, and waits until it is ready.
    ///
    /// # Errors
    /// Says why it doesn't start.
    pub fn start(
        network: &Network,
        member: &Member,
        folder: &Path,
        smtp: SocketAddr,
    ) -> Outcome<Self> {
        let config = write_config(network, member, folder, smtp)?;
        let program = std::env::current_exe()
            .map_err(|error| Failure::failed(format!("this program can't find itself: {error}")))?;
        let mut process = Command::new(program)
            .arg(member.role.to_string())
            .arg("--config")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::failed(format!("no process starts: {error}")))?;
        let stdout = process.stdout.take().expect("piped");
        let apart = Self { process };
        let mut ready = String::new();
        // It says so, or ends.
        BufReader::new(stdout)
            .read_line(&mut ready)
            .map_err(|error| Failure::failed(error).of(&member.name))?;
        if ready.starts_with("ready") {
            return Ok(apart);
        }
        Err(Failure::failed("it does not start").of(&member.name))
    }

    /// What it has used so far; `None` where the system doesn't tell.
    pub fn usage(&self) -> Option<Usage> {
        usage_of(&self.process.id().to_string())
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What this process has used so far; `None` where the system doesn't tell.
pub fn own_usage() -> Option<Usage> {
    usage_of("self")
}

fn usage_of(process: &str) -> Option<Usage> {
    let read = |file| fs::read_to_string(format!("/proc/{process}/{file}")).ok();
    usage(&read("status")?, &read("stat")?)
}

fn usage(status: &str, stat: &str) -> Option<Usage> {
    let bytes = |field: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1_024)
    };
    // The program's name comes in parentheses before the other fields, and may have blanks.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    let cpu = TICK * (ticks()? + ticks()?);
    Some(Usage { peak_bytes: bytes("VmHWM:")?, bytes: bytes("VmRSS:")?, cpu })
}

fn write_config(
    network: &Network,
    member: &Member,
    folder: &Path,
    smtp: SocketAddr,
) -> Outcome<std::path::PathBuf> {
    let Member { role, name, seed } = member;
    files::write_key(&folder.join("key"), seed)?;
    files::replace_public(&folder.join("network.toml"), network.to_toml()?.as_bytes())?;
    let (manifest, id) = (network.manifest(), files::public_keys(seed).0);
    let entry = manifest.all().find(|server| server.id == id).expect("it is in the network");
    let (clients, peers) = (entry.client_address, entry.peer_address);
    let mut config = format!(
        "network = \"network.toml\"\nkey = \"key\"\nclient_listen = \"{clients}\"\npeer_listen = \"{peers}\"\n\
         max_connections_per_prefix = 4096\n"
    );
    if *role != Role::Info {
        config += &format!("state = \"{name}\"\n");
    }
    if *role == Role::Pkg {
        let (host, port) = (smtp.ip(), smtp.port());
        config += &format!(
            "[smtp]\nhost = \"{host}\"\nport = {port}\nsecurity = \"none\"\nfrom = \"PKG <pkg@zephyr.example>\"\n"
        );
    }
    let path = folder.join("server.toml");
    files::replace_public(&path, config.as_bytes())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says_of_a_process_is_understood() {
        let status = "Name:\tzephyr\nVmHWM:\t   34567 kB\nVmRSS:\t   30000 kB\n";
        let stat =
            "17 (a (strange) name) S 1 17 17 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 5 0 100 1 2";
        let usage = usage(status, stat).expect("it is as Linux writes it");
        assert_eq!((usage.peak_bytes, usage.bytes), (34_567 << 10, 30_000 << 10));
        assert_eq!(usage.cpu, Duration::from_secs(3));
    }
}
