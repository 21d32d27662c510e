//! Emulated machines, and the hand on their cables and reset buttons.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A kind of machine.
pub struct Model {
    /// What people call it here.
    pub name: &'static str,
    /// Where the firmware's build puts it, in `target/firmware`.
    pub firmware: &'static str,
    program: &'static str,
    arguments: &'static str,
    clock: &'static str,
    /// Where the firmware looks for the manifest: 4 bytes of length, then the manifest.
    manifest_at: u64,
}

/// A Cortex-M4F, the core of an STM32F4, with Ethernet.
pub const CORTEX_M4F: Model = Model {
    name: "Cortex-M4F",
    firmware: "thumbv7em-none-eabihf/release/zephyr-mps2-an386",
    program: "qemu-system-arm",
    arguments: "-M mps2-an386 -nic user,id=net,model=lan9118",
    clock: "",
    manifest_at: 0x2110_0000,
};

/// An RV32IMC, the instruction set of an ESP32-C3, with a virtio network device.
pub const RV32IMC: Model = Model {
    name: "RV32IMC",
    firmware: "riscv32imc-unknown-none-elf/release/zephyr-virt",
    program: "qemu-system-riscv32",
    arguments: "-M virt -bios none -m 16M -global virtio-mmio.force-legacy=false \
        -netdev user,id=net -device virtio-net-device,netdev=net",
    clock: "",
    manifest_at: 0x8080_0000,
};

impl Model {
    /// The same, with a clock that goes on by a nanosecond with each instruction: it can count them.
    #[allow(dead_code)]
    pub const fn counting(self) -> Self {
        Self { clock: "-icount shift=0", ..self }
    }
}

/// A machine that runs; it ends when this is dropped.
pub struct Qemu {
    child: Child,
    control: BufReader<UnixStream>,
}

impl Qemu {
    /// Switches a machine on; gives it with the two directions of its console. `dir` is for its control socket.
    pub fn start(model: &Model, manifest: &Path, dir: &Path) -> (Self, ChildStdin, ChildStdout) {
        let socket = dir.join(format!("{}.qmp", model.name));
        let length = fs::metadata(manifest).expect("the manifest").len();
        let (at, manifest) = (model.manifest_at, manifest.display());
        let mut child = Command::new(model.program)
            .args(model.arguments.split_whitespace().chain(model.clock.split_whitespace()))
            .args(["-nographic", "-monitor", "none", "-serial", "stdio"])
            .args(["-semihosting-config", "enable=on,target=native", "-qmp"])
            .arg(format!("unix:{},server=on,wait=off", socket.display()))
            .arg("-device")
            .arg(format!("loader,addr={at:#x},data={length},data-len=4"))
            .arg("-device")
            .arg(format!("loader,addr={:#x},file={manifest},force-raw=on", at + 4))
            .arg("-kernel")
            .arg(firmware(model))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} can't be started: {error}", model.program));
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let control = BufReader::new(connect(&socket, &mut child));
        let mut qemu = Self { child, control };
        qemu.line(); // its greeting
        qemu.command("qmp_capabilities", json!({}));
        (qemu, stdin.expect("piped"), stdout.expect("piped"))
    }

    /// Presses the reset button: memory that the firmware does not set up itself stays as it is.
    pub fn reset(&mut self) {
        self.command("system_reset", json!({}));
    }

    /// Plugs the network cable in, or pulls it.
    pub fn set_link(&mut self, up: bool) {
        self.command("set_link", json!({ "name": "net", "up": up }));
    }

    /// Whether the machine still runs; otherwise how it ended.
    pub fn ended(&mut self) -> Option<String> {
        self.child.try_wait().expect("it is our child").map(|status| status.to_string())
    }

    fn command(&mut self, name: &str, arguments: Value) {
        let command = json!({ "execute": name, "arguments": arguments });
        writeln!(self.control.get_mut(), "{command}").expect("QEMU listens");
        // Events come in between.
        loop {
            let answer = self.line();
            assert!(answer.get("error").is_none(), "{name}: {answer}");
            if answer.get("return").is_some() {
                return;
            }
        }
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.control.read_line(&mut line).expect("QEMU answers");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("QEMU ended; it said {line:?}"))
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The control socket, once QEMU has made it.
fn connect(socket: &Path, child: &mut Child) -> UnixStream {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        if let Ok(stream) = UnixStream::connect(socket) {
            stream.set_read_timeout(Some(Duration::from_secs(30))).expect("not zero");
            return stream;
        }
        let ended = child.try_wait().expect("it is our child");
        if ended.is_some() || Instant::now() > until {
            let _ = child.kill();
            let _ = child.wait();
            panic!("QEMU does not start: {ended:?}");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn firmware(model: &Model) -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_zephyr"));
    let target = program.ancestors().nth(2).expect("target/PROFILE/zephyr");
    let path = target.join("firmware").join(model.firmware);
    assert!(path.exists(), "{} is missing: run `cargo xtask firmware`", path.display());
    path
}
