//! A PKG's mail through a real SMTP server, Exim, which demands STARTTLS and a password and passes the mail on to
//! the mail catcher. It needs no root, and touches nothing outside its temporary folder.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc::Receiver;
use tokio::time::{sleep, timeout};
use zephyr_core::wire::{PkgRefusal, PkgReply, PkgRequest};
use zephyr_core::{ClientKey, NetworkId, ServerId, Standard, UnixMs};
use zephyr_machine::pkg::{Link, PeerKey, PkgIdentity, PkgName, PkgRules};
use zephyr_server::Registrar;
use zephyr_server::mail::{CaughtMail, MailCatcher, SmtpConfig, SmtpMailer, SmtpSecurity};
use zephyr_server::store::MemoryRegistrations;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const BOB: &str = "bob@example.org";
const KEY: ClientKey = ClientKey::from_bytes([7; 32]);
const PASSWORD: &str = "correct horse battery staple";

type Service = Registrar<Standard, MemoryRegistrations, SmtpMailer>;

#[tokio::test]
#[ignore = "needs exim4; run by cargo xtask test"]
async fn codes_travel_through_a_real_mail_server() {
    let (catcher, mut mails) = MailCatcher::start(LOOPBACK).await.unwrap();
    let server = Exim::start(catcher.address()).await;

    let service = service(&server.config());
    let code = registers(&service, &mut mails).await;
    let confirm = PkgRequest::Confirm { address: BOB, key: KEY, code };
    assert_eq!(ask(&service, confirm).await, PkgReply::Registered);

    // The IP address stands in the certificate as well.
    let by_ip = SmtpConfig { host: "127.0.0.1".into(), ..server.config() };
    registers(&self::service(&by_ip), &mut mails).await;

    fs::write(server.path("password"), "wrong\n").unwrap();
    fails(&server.config()).await;
    fs::write(server.path("password"), PASSWORD).unwrap();
    fails(&SmtpConfig { root_certificate: None, ..server.config() }).await;
    let no_login = SmtpConfig { user: None, password_file: None, ..server.config() };
    let reply =
        ask(&self::service(&no_login), PkgRequest::Register { address: BOB, key: KEY }).await;
    assert_eq!(reply, PkgReply::Refused(PkgRefusal::MailRefused));
    fails(&SmtpConfig { security: SmtpSecurity::Tls, ..server.config() }).await;
    assert!(mails.try_recv().is_err());
}

async fn registers(service: &Service, mails: &mut Receiver<CaughtMail>) -> zephyr_core::wire::Code {
    let reply = ask(service, PkgRequest::Register { address: BOB, key: KEY }).await;
    assert_eq!(reply, PkgReply::CodeSent { seconds: 600 });
    let mail = timeout(Duration::from_secs(30), mails.recv()).await.expect("in time").unwrap();
    assert_eq!(mail.to, BOB);
    assert!(mail.text.contains("TLS"), "the server's trace names how it came: {}", mail.text);
    mail.code().expect("the mail names the code")
}

async fn fails(config: &SmtpConfig) {
    let request = PkgRequest::Register { address: BOB, key: KEY };
    let reply = ask(&service(config), request).await;
    assert_eq!(reply, PkgReply::Refused(PkgRefusal::MailFailed), "{config:?}");
}

fn service(config: &SmtpConfig) -> Service {
    let identity = PkgIdentity {
        network: NetworkId::from_bytes([1; 32]),
        id: ServerId::from_bytes([2; 32]),
        name: PkgName::new("pkg-1").unwrap(),
    };
    let mailer = SmtpMailer::new(config).unwrap();
    Registrar::new(identity, PkgRules::default(), MemoryRegistrations::default(), mailer)
}

async fn ask(service: &Service, request: PkgRequest<'_>) -> PkgReply {
    let link = Link { peer: PeerKey::from_bytes([0; 16]), handshake: &[3; 32] };
    service.handle(link, &request, UnixMs(1_700_000_000_000), |_, _| None).await
}

/// A running server; stopped on drop.
struct Exim {
    folder: TempDir,
    port: u16,
    process: Child,
}

impl Exim {
    /// Starts a server that passes all mail on to `next`.
    async fn start(next: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let port = TcpListener::bind(LOOPBACK).unwrap().local_addr().unwrap().port();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::write(path("password"), PASSWORD).unwrap();
        fs::write(path("exim.conf"), configuration(folder.path(), port, next.port())).unwrap();
        let log = fs::File::create(path("log")).unwrap();
        let process = Command::new("exim4")
            .env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()))
            .args(["-bdf", "-C", &path("exim.conf")])
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("exim4 is installed");
        let mut server = Self { folder, port, process };
        server.greeting().await;
        server
    }

    /// Waits until it greets.
    async fn greeting(&mut self) {
        for _ in 0..100 {
            if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await
                && stream.read_u8().await.is_ok()
            {
                return;
            }
            if let Some(status) = self.process.try_wait().unwrap() {
                let log = fs::read_to_string(self.path("log")).unwrap();
                panic!("Exim ended with {status}: {log}");
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("Exim does not answer: {}", fs::read_to_string(self.path("log")).unwrap());
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> SmtpConfig {
        SmtpConfig {
            host: "localhost".into(),
            port: Some(self.port),
            security: SmtpSecurity::Starttls,
            user: Some("pkg".into()),
            password_file: Some(self.path("password")),
            password_env: None,
            from: "Zephyr PKG <pkg@example.org>".into(),
            root_certificate: Some(self.path("ca.pem")),
            timeout_s: 10,
        }
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        // Killed outright, it could leave children behind.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
        if std::thread::panicking() {
            for name in ["log", "main.log", "panic.log"] {
                println!("{name}: {}", fs::read_to_string(self.path(name)).unwrap_or_default());
            }
        }
    }
}

/// It runs as whoever runs the test, or as nobody if that is root, as whom it does not send mail.
fn configuration(folder: &Path, port: u16, next_port: u16) -> String {
    let owner = fs::metadata(folder).unwrap();
    let (uid, gid) = if owner.uid() == 0 { (65_534, 65_534) } else { (owner.uid(), owner.gid()) };
    for path in [folder.to_path_buf(), folder.join("server.key")] {
        chown(path, Some(uid), Some(gid)).unwrap();
    }
    let folder = folder.display();
    format!(
        "exim_user = {uid}
exim_group = {gid}
deliver_drop_privilege
primary_hostname = localhost
spool_directory = {folder}/spool
log_file_path = {folder}/%s.log
pid_file_path = {folder}/pid
notifier_socket =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
disable_ipv6
tls_advertise_hosts = *
tls_certificate = {folder}/server.pem
tls_privatekey = {folder}/server.key
acl_smtp_rcpt = secured
begin acl
secured:
  require encrypted = *
          authenticated = *
  accept
begin routers
next:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = next
begin transports
next:
  driver = smtp
  port = {next_port}
  allow_localhost
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_advertise_condition = ${{if def:tls_in_cipher}}
  server_condition = ${{if and{{{{eq{{$auth2}}{{pkg}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
"
    )
}

/// A certificate authority, and a certificate of localhost by it.
fn certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        output(command.current_dir(folder).args(arguments.split(' ')));
    };
    let key = "-newkey rsa:2048 -nodes";
    openssl(&format!(
        "req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=Zephyr-test \
         -addext basicConstraints=critical,CA:TRUE"
    ));
    openssl(&format!("req {key} -keyout server.key -out server.csr -subj /CN=localhost"));
    let extensions = "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
    fs::write(folder.join("extensions"), extensions).unwrap();
    openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
         -extfile extensions -out server.pem",
    );
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("openssl is installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
