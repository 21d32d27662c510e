//! A real PostgreSQL in a temporary folder, stopped when it is dropped.

#![allow(dead_code)] // no test needs all of it

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What the user `zephyr` logs in with; it can't stand in a URL as it is.
pub const PASSWORD: &str = "p@ss:w/rd%";
const ESCAPED: &str = "p%40ss%3Aw%2Frd%25";

/// A server. It listens on a port of the loopback interface, where a password is wanted, and on a socket in its
/// folder, where none is.
pub struct Postgres {
    folder: TempDir,
    user: User,
    port: u16,
    process: Option<Child>,
    schemas: AtomicU32,
}

impl Postgres {
    /// A folder and a port.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let user = User::choose();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { folder, user, port, process: None, schemas: AtomicU32::new(0) };
        server.give("");
        server
    }

    /// Makes a server with an empty database `postgres` and starts it.
    pub fn start() -> Self {
        let mut server = Self::new();
        fs::write(server.path("password"), PASSWORD).unwrap();
        server.give("password");
        let made = server
            .command("initdb")
            .args(["--no-sync", "--username=zephyr", "--encoding=UTF8", "--locale=C"])
            .args(["--auth-local=trust", "--auth-host=scram-sha-256"])
            .arg("--pwfile")
            .arg(server.path("password"))
            .arg(server.path("data"))
            .output()
            .expect("PostgreSQL is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.run();
        server
    }

    /// Starts a standby of it: a server that follows by streaming replication, and can only be read.
    pub fn standby(&self) -> Self {
        let mut standby = Self::new();
        let copied = standby
            .command("pg_basebackup")
            .arg("-h")
            .arg(self.folder.path())
            .args(["-p", &self.port.to_string(), "-U", "zephyr", "--no-password"])
            .args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"])
            .arg("-D")
            .arg(standby.path("data"))
            .output()
            .unwrap();
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        standby.run();
        standby
    }

    /// Waits until a standby has all that has been written until now.
    pub fn is_followed_by(&self, standby: &Self) {
        let written = self.sql("SELECT pg_current_wal_flush_lsn()");
        let asked = format!("SELECT pg_last_wal_replay_lsn() >= '{}'", written.trim());
        let start = Instant::now();
        while standby.sql(&asked).trim() != "t" {
            assert!(start.elapsed() < Duration::from_secs(60), "it does not: {}", standby.log());
            sleep(Duration::from_millis(20));
        }
    }

    /// Starts it (again), at the same port, and waits until it answers.
    pub fn run(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let process = self
            .command("postgres")
            .arg("-D")
            .arg(self.path("data"))
            .arg("-k")
            .arg(self.folder.path())
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(process);
        let start = Instant::now();
        loop {
            let mut asked = self.command("pg_isready");
            asked.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
            if asked.status().unwrap().success() {
                return;
            }
            let ended = self.process.as_mut().and_then(|process| process.try_wait().unwrap());
            let late = start.elapsed() > Duration::from_secs(60);
            assert!(ended.is_none() && !late, "PostgreSQL does not start: {}", self.log());
            sleep(Duration::from_millis(50));
        }
    }

    /// Ends it at once, as if the machine had lost power, and waits until it has ended.
    pub fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // QUIT is its immediate shutdown, which leaves none of its processes behind.
        let _ = Command::new("kill").args(["-QUIT", &process.id().to_string()]).status();
        let _ = process.wait();
    }

    /// The URL of an empty schema: what is made there meets nothing of other tests.
    pub fn empty(&self) -> String {
        let schema = format!("test{}", self.schemas.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("CREATE SCHEMA {schema}"));
        self.url(&format!("options=-csearch_path%3D{schema}"))
    }

    /// The URL of the database, with these parameters.
    pub fn url(&self, parameters: &str) -> String {
        format!("postgres://zephyr:{ESCAPED}@127.0.0.1:{}/postgres?{parameters}", self.port)
    }

    /// The URL without a password.
    pub fn url_without_password(&self) -> String {
        format!("postgres://zephyr@127.0.0.1:{}/postgres", self.port)
    }

    /// The URL over the socket.
    pub fn socket_url(&self) -> String {
        let folder = self.folder.path().display();
        format!("postgres://zephyr@localhost:{}/postgres?host={folder}", self.port)
    }

    /// Does what a user would with `psql`, and returns what it prints.
    pub fn sql(&self, statement: &str) -> String {
        let asked = self
            .command("psql")
            .arg("-h")
            .arg(self.folder.path())
            .args(["-p", &self.port.to_string(), "-U", "zephyr", "-d", "postgres"])
            .args(["-v", "ON_ERROR_STOP=1", "-Atqc", statement])
            .output()
            .unwrap();
        assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
        String::from_utf8(asked.stdout).unwrap()
    }

    /// Has it take TLS, with a certificate for `localhost` of an authority of its own; returns the authority's.
    pub fn with_tls(&mut self) -> PathBuf {
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        self.openssl(&format!(
            "req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=Zephyr-test \
             -addext basicConstraints=critical,CA:TRUE"
        ));
        self.openssl(&format!("req {key} -keyout data/server.key -out csr -subj /CN=localhost"));
        let extensions = "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n";
        fs::write(self.path("extensions"), extensions).unwrap();
        self.openssl(
            "x509 -req -in csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
             -extfile extensions -out data/server.crt",
        );
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(self.path("data/server.key"), private).unwrap();
        self.give("data/server.key");
        self.sql("ALTER SYSTEM SET ssl = on");
        self.stop();
        self.run();
        self.path("ca.pem")
    }

    /// The port on the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A file in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        let made = command.current_dir(self.folder.path()).args(arguments.split(' ')).output();
        let made = made.expect("openssl is installed");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// Makes a file that of whoever the server runs as.
    fn give(&self, name: &str) {
        if self.user == User::Nobody {
            chown(self.path(name), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    /// One of PostgreSQL's programs, run as whoever the server runs as.
    fn command(&self, program: &str) -> Command {
        let program = programs().join(program);
        let mut command = match self.user {
            User::Renamed => renamed(),
            User::Own | User::Nobody => Command::new(&program),
        };
        match self.user {
            User::Renamed => command.arg(program),
            User::Nobody => command.uid(NOBODY).gid(NOBODY),
            User::Own => &mut command,
        };
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

/// As whom it runs: it refuses to run as root.
#[derive(Clone, Copy, PartialEq, Eq)]
enum User {
    /// As whoever runs the test.
    Own,
    /// As root, who has another number in a namespace.
    Renamed,
    /// As nobody, where there are no such namespaces.
    Nobody,
}

const NOBODY: u32 = 65_534;

impl User {
    fn choose() -> Self {
        let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        match renamed().arg("true").output().is_ok_and(|done| done.status.success()) {
            _ if !root => Self::Own,
            true => Self::Renamed,
            false => Self::Nobody,
        }
    }
}

fn renamed() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-user=65534", "--map-group=65534", "--"]);
    command
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            println!("PostgreSQL's log: {}", self.log());
        }
    }
}

/// Debian's newest, else whatever is on the PATH.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    folders.filter(|folder| folder.join("initdb").is_file()).max().unwrap_or_else(on_path)
}

fn on_path() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path);
    folders.find(|folder| folder.join("initdb").is_file()).unwrap_or_else(|| Path::new("").into())
}
