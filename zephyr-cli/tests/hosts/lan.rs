//! Hosts: a network namespace each, on a subnet of its own, joined by a router, which is the namespace of the test.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};

use crate::cage::run;
use crate::relay::Relay;

/// A machine of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    number: u8,
}

impl Host {
    /// Makes it and joins it to the router.
    pub fn new(name: &str, number: u8) -> Self {
        let host = Self { name: name.into(), number };
        let (link, own, router) = (host.link(), host.address(), host.router());
        run("ip", &["netns", "add", name]);
        run("ip", &["link", "add", &link, "type", "veth", "peer", "name", "eth0", "netns", name]);
        run("ip", &["addr", "add", &format!("{router}/24"), "dev", &link]);
        run("ip", &["link", "set", &link, "up"]);
        let inside = |arguments: &str| {
            run("ip", &[&["-n", name], &arguments.split(' ').collect::<Vec<_>>()[..]].concat());
        };
        inside(&format!("addr add {own}/24 dev eth0"));
        inside("link set eth0 up");
        inside("link set lo up");
        inside(&format!("route add default via {router}"));
        host
    }

    /// The router's end of its cable.
    fn link(&self) -> String {
        format!("to-{}", self.name)
    }

    pub fn address(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.number, 2)
    }

    /// The router's address on its subnet.
    pub fn router(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.number, 1)
    }

    pub fn socket(&self, port: u16) -> SocketAddr {
        (self.address(), port).into()
    }

    /// The program, to be run on this host.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.name)).arg(program);
        command
    }

    /// Pulls the cable out.
    pub fn cut(&self) {
        run("ip", &["link", "set", &self.link(), "down"]);
    }

    /// And puts it in again.
    pub fn restore(&self) {
        run("ip", &["link", "set", &self.link(), "up"]);
    }
}

/// The router's rules.
const RULES: &str = "\
table ip zephyr {
    chain loss {
        type filter hook forward priority filter
    }
    chain slow {
        type nat hook prerouting priority dstnat
    }
}
";

/// Makes the router's rules, which do nothing yet.
pub fn make_rules() {
    nft(RULES);
}

/// From now on so many of a hundred packets from and to these hosts are lost, at random.
pub fn lose(percent: u8, hosts: &[&Host]) {
    let mut rules = String::from("flush chain ip zephyr loss\n");
    for host in hosts.iter().filter(|_| percent > 0) {
        for direction in ["iifname", "oifname"] {
            rules += &format!(
                "add rule ip zephyr loss {direction} \"{}\" numgen random mod 100 < {percent} drop\n",
                host.link()
            );
        }
    }
    nft(&rules);
}

/// Leads every connection from and to these hosts through the relay.
pub async fn lead_through(relay: &Relay, slow: &[&Host], listening: &[SocketAddr]) {
    let mut rules = String::new();
    for target in listening {
        let port = relay.listen(*target).await;
        let to =
            format!("ip daddr {} tcp dport {} redirect to :{port}", target.ip(), target.port());
        for host in slow {
            let condition = match target.ip() == host.address() {
                true => String::new(),
                false => format!("iifname \"{}\" ", host.link()),
            };
            rules += &format!("add rule ip zephyr slow {condition}{to}\n");
        }
    }
    nft(&rules);
}

fn nft(rules: &str) {
    let mut child =
        Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn().unwrap_or_else(
            |error| panic!("`nft` can't be started, run `cargo xtask install`: {error}"),
        );
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(rules.as_bytes()).expect("nft reads its rules");
    drop(stdin);
    assert!(child.wait().is_ok_and(|status| status.success()), "nft: {rules}");
}
