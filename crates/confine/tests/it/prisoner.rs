//! An attacker who has taken over a confined process, and tries what such a person would.

use std::fs;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use confine::{Calls, Folder};
use nix::sys::prctl;

/// Runs one of the ignored tests below in a process of its own, with a folder and a file beside it.
fn imprison(which: &str) {
    let scratch = tempfile::tempdir().unwrap();
    let own = scratch.path().join("own");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("there"), b"before").unwrap();
    fs::write(scratch.path().join("outside"), b"a secret").unwrap();
    fs::create_dir(scratch.path().join("source")).unwrap();
    fs::write(scratch.path().join("source/one"), b"to be read").unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", which, "--nocapture", "--test-threads=1"])
        .env("PRISON", scratch.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(fs::read(scratch.path().join("outside")).unwrap(), b"a secret");
}

fn prison() -> PathBuf {
    std::env::var_os("PRISON").unwrap().into()
}

/// What of these is possible and should not be.
struct Tries(Vec<String>);

impl Tries {
    fn see(&mut self, what: &str, possible: bool) {
        if possible {
            self.0.push(what.to_owned());
        }
    }

    fn files(&mut self, scratch: &Path) {
        let outside = scratch.join("outside");
        self.see("a file of the system", fs::read("/etc/passwd").is_ok());
        self.see("a file beside the folder", fs::read(&outside).is_ok());
        self.see("to write to a file beside the folder", fs::File::options().append(true).open(&outside).is_ok());
        self.see("to truncate it by its path", nix::unistd::truncate(&outside, 0).is_ok());
        self.see(
            "to truncate one of its own by its path",
            nix::unistd::truncate(&scratch.join("own/there"), 0).is_ok(),
        );
        self.see("to remove it", fs::remove_file(&outside).is_ok());
        self.see("to take it over", fs::hard_link(&outside, scratch.join("own/mine")).is_ok());
        self.see("its parent's memory", fs::File::open(format!("/proc/{}/mem", nix::unistd::getppid())).is_ok());
        self.see("its parent's environment", fs::read(format!("/proc/{}/environ", nix::unistd::getppid())).is_ok());
    }

    fn world(&mut self, address: std::net::SocketAddr) {
        self.see("a connection", TcpStream::connect(address).is_ok());
        self.see("a port", TcpListener::bind("127.0.0.1:0").is_ok());
        self.see("a datagram socket", UdpSocket::bind("127.0.0.1:0").is_ok());
        self.see("a program", Command::new("/bin/true").status().is_ok());
        self.see("a signal to its parent", nix::sys::signal::kill(nix::unistd::getppid(), None).is_ok());
        self.see("to be dumped again", prctl::set_dumpable(true).is_ok());
    }
}

#[test]
#[ignore = "confines its process, which another test starts"]
fn who_serves_connections() {
    let scratch = prison();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = TcpStream::connect(address).unwrap();
    let (own, source) = (scratch.join("own"), scratch.join("source"));
    confine::harden().unwrap();
    assert!(!prctl::get_dumpable().unwrap() && prctl::get_no_new_privs().unwrap());
    let confined = confine::confine(&[Folder::Write(&own), Folder::Read(&source)], Calls::Connections).unwrap();
    let mut tries = Tries(Vec::new());
    if confined.system_calls {
        tries.world(address);
    }
    if confined.lacks().iter().all(|lack| !lack.contains("Landlock: none")) {
        tries.files(&scratch);
        tries.see("to write where it may read", fs::write(source.join("new"), b"x").is_ok());
    } else {
        println!("no Landlock here: files are not restricted");
    }
    assert_eq!(tries.0, Vec::<String>::new());
    // What it is for still works, on a new thread too.
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        assert_eq!(fs::read(source.join("one")).unwrap(), b"to be read");
        fs::write(own.join("new"), b"x").unwrap();
        fs::create_dir(own.join("folder")).unwrap();
        fs::rename(own.join("new"), own.join("folder/new")).unwrap();
        fs::File::options().write(true).open(own.join("there")).unwrap().set_len(3).unwrap();
        let (mut taken, _) = listener.accept().unwrap();
        taken.write_all(b"hello").unwrap();
        let mut said = [0; 5];
        (&client).read_exact(&mut said).unwrap();
        assert_eq!(&said, b"hello");
        assert!(std::os::unix::net::UnixStream::pair().is_ok());
    })
    .join()
    .unwrap();
}

#[test]
#[ignore = "confines its process, which another test starts"]
fn who_has_files_only() {
    let scratch = prison();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    confine::harden().unwrap();
    let confined = confine::confine(&[Folder::Write(&scratch.join("own"))], Calls::Files).unwrap();
    let mut tries = Tries(Vec::new());
    if confined.system_calls {
        tries.world(listener.local_addr().unwrap_or_else(|_| "127.0.0.1:1".parse().unwrap()));
        tries.see("a pair of sockets", std::os::unix::net::UnixStream::pair().is_ok());
    }
    if confined.lacks().iter().all(|lack| !lack.contains("Landlock: none")) {
        tries.files(&scratch);
        tries.see("a file that another may read", fs::read(scratch.join("source/one")).is_ok());
    }
    assert_eq!(tries.0, Vec::<String>::new());
}

#[test]
fn a_prisoner_gets_nowhere() {
    imprison("prisoner::who_serves_connections");
    imprison("prisoner::who_has_files_only");
}

/// A process that its parent leaves behind is ended by the kernel, whatever it does.
#[test]
#[ignore = "a process that another test starts and kills"]
fn who_starts_another() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--ignored", "--exact", "prisoner::who_is_left_behind", "--nocapture", "--test-threads=1"]);
    let mut child = child.spawn().unwrap();
    fs::write(prison().join("own/child"), child.id().to_string()).unwrap();
    let _ = child.wait();
}

#[test]
#[ignore = "a process that another test starts"]
fn who_is_left_behind() {
    confine::end_with_parent(std::os::unix::process::parent_id()).unwrap();
    fs::write(prison().join("own/ready"), b"").unwrap();
    std::thread::sleep(std::time::Duration::from_secs(600));
}

#[test]
fn it_ends_with_its_parent() {
    let scratch = tempfile::tempdir().unwrap();
    let own = scratch.path().join("own");
    fs::create_dir(&own).unwrap();
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "prisoner::who_starts_another", "--nocapture", "--test-threads=1"])
        .env("PRISON", scratch.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let wait = |done: &dyn Fn() -> bool| {
        (0..600).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            done()
        })
    };
    assert!(wait(&|| own.join("ready").exists() && own.join("child").exists()));
    let child = fs::read_to_string(own.join("child")).unwrap();
    parent.kill().unwrap();
    parent.wait().unwrap();
    let gone = || fs::read_to_string(format!("/proc/{child}/stat")).map_or(true, |stat| stat.contains(") Z "));
    assert!(wait(&gone), "it lives on");
}
