//! The node's certificate: made once, kept, renewed, and good for nothing but this node.

use std::path::Path;
use std::sync::Arc;

use doors::tls::Identity;
use durable::Disk;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use terms::UnixMillis;
use world::{ManualClock, MemoryDisk};

const DIR: &str = "/node/tls";
const DAY: i64 = 86_400_000;

fn read(disk: &MemoryDisk, file: &str) -> Vec<u8> {
    disk.read(&Path::new(DIR).join(file)).unwrap()
}

/// Whether a client that knows `ca.pem` gets through to the node under `name`. The client's clock is the machine's, so
/// certificates are made for now.
fn connects(disk: &MemoryDisk, identity: &Identity, name: &str, alpn: &[&[u8]]) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&read(disk, "ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut server = ServerConnection::new(identity.server_config().unwrap()).unwrap();
    for _ in 0..4 {
        let mut octets = Vec::new();
        client.write_tls(&mut octets).unwrap();
        server.read_tls(&mut octets.as_slice()).unwrap();
        if server.process_new_packets().is_err() {
            return false;
        }
        let mut octets = Vec::new();
        server.write_tls(&mut octets).unwrap();
        client.read_tls(&mut octets.as_slice()).unwrap();
        if client.process_new_packets().is_err() {
            return false;
        }
    }
    !client.is_handshaking() && !server.is_handshaking()
}

fn load(disk: &MemoryDisk, hostname: &str, clock: &ManualClock) -> Identity {
    Identity::load_or_create(disk, Path::new(DIR), hostname, clock).unwrap()
}

fn now() -> ManualClock {
    ManualClock::at(terms::Clock::now(&durable::SystemClock))
}

#[test]
fn made_once_and_kept() {
    let (disk, clock) = (MemoryDisk::new(), now());
    let identity = load(&disk, "mail.ie.example", &clock);
    let (ca, node) = (read(&disk, "ca.pem"), read(&disk, "node.pem"));
    for name in ["mail.ie.example", "localhost", "127.0.0.1", "::1"] {
        assert!(connects(&disk, &identity, name, &[]), "{name}");
    }
    assert!(!connects(&disk, &identity, "mail.us.example", &[]));
    let again = load(&disk, "mail.ie.example", &clock);
    assert!(connects(&disk, &again, "mail.ie.example", &[]));
    assert_eq!((ca, node), (read(&disk, "ca.pem"), read(&disk, "node.pem")));
}

#[test]
fn renewed_under_the_same_authority() {
    let (disk, clock) = (MemoryDisk::new(), now());
    load(&disk, "mail.ie.example", &clock);
    let (ca, node) = (read(&disk, "ca.pem"), read(&disk, "node.pem"));
    clock.advance(160 * DAY);
    load(&disk, "mail.ie.example", &clock);
    assert_eq!(node, read(&disk, "node.pem"), "it has more than thirty days left");
    clock.advance(20 * DAY);
    load(&disk, "mail.ie.example", &clock);
    assert_ne!(node, read(&disk, "node.pem"));
    assert_eq!(ca, read(&disk, "ca.pem"), "clients need no new ca.pem");
}

#[test]
fn made_again_for_another_name_or_when_damaged() {
    let (disk, clock) = (MemoryDisk::new(), now());
    load(&disk, "mail.ie.example", &clock);
    let identity = load(&disk, "mx.ie.example", &clock);
    assert!(connects(&disk, &identity, "mx.ie.example", &[]));
    for file in ["node.key", "node.pem", "ca.pem", "ca.key"] {
        let path = Path::new(DIR).join(file);
        disk.write_atomic(&path, b"rubbish", durable::Visibility::Private).unwrap();
        let identity = load(&disk, "mx.ie.example", &clock);
        assert!(connects(&disk, &identity, "mx.ie.example", &[]), "{file}");
        disk.remove(&path).unwrap();
        let identity = load(&disk, "mx.ie.example", &clock);
        assert!(connects(&disk, &identity, "mx.ie.example", &[]), "{file}");
    }
}

#[test]
fn the_operators_own_comes_first() {
    let (disk, clock) = (MemoryDisk::new(), now());
    load(&disk, "mail.ie.example", &clock);
    let other = MemoryDisk::new();
    load(&other, "mail.ie.example", &clock);
    for (from, to) in [("node.pem", "operator.pem"), ("node.key", "operator.key"), ("ca.pem", "ca.pem")] {
        let octets = read(&other, from);
        disk.write_atomic(&Path::new(DIR).join(to), &octets, durable::Visibility::Private).unwrap();
    }
    let identity = load(&disk, "mail.ie.example", &clock);
    assert!(connects(&disk, &identity, "mail.ie.example", &[]));
    disk.remove(&Path::new(DIR).join("operator.key")).unwrap();
    let missing = Identity::load_or_create(&disk, Path::new(DIR), "mail.ie.example", &clock);
    assert!(missing.is_err(), "half of an operator's pair is an error, not a reason to show another certificate");
}

#[test]
fn a_browser_gets_no_connection() {
    // ALPACA: a web session led to a mail door. A browser names its protocols; none is spoken here.
    let (disk, clock) = (MemoryDisk::new(), now());
    let identity = load(&disk, "mail.ie.example", &clock);
    assert!(!connects(&disk, &identity, "mail.ie.example", &[b"h2", b"http/1.1"]));
    assert!(connects(&disk, &identity, "mail.ie.example", &[b"imap"]));
}

#[test]
fn its_authority_vouches_for_nothing_else() {
    use rcgen::{CertificateParams, Issuer, KeyPair};
    let (disk, clock) = (MemoryDisk::new(), now());
    load(&disk, "mail.ie.example", &clock);
    let stolen = KeyPair::from_pem(std::str::from_utf8(&read(&disk, "ca.key")).unwrap()).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "Bailiwick node mail.ie.example");
    let issuer = Issuer::new(params, stolen);
    for (name, fine) in [("mail.ie.example", true), ("bank.example", false)] {
        let key = KeyPair::generate().unwrap();
        let forged = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let path = |file| Path::new(DIR).join(file);
        disk.write_atomic(&path("operator.pem"), forged.pem().as_bytes(), durable::Visibility::Shared).unwrap();
        disk.write_atomic(&path("operator.key"), key.serialize_pem().as_bytes(), durable::Visibility::Private).unwrap();
        let identity = load(&disk, "mail.ie.example", &clock);
        assert_eq!(connects(&disk, &identity, name, &[]), fine, "{name}");
    }
}

#[test]
fn no_secret_is_shared() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    Identity::load_or_create(&durable::RealDisk, dir.path(), "mail.ie.example", &now()).unwrap();
    for (file, mode) in [("ca.key", 0o600), ("node.key", 0o600), ("ca.pem", 0o644), ("node.pem", 0o644)] {
        let found = std::fs::metadata(dir.path().join(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{file}");
    }
}

#[test]
fn a_name_that_no_certificate_can_hold() {
    let disk = MemoryDisk::new();
    let clock = ManualClock::at(UnixMillis(0));
    assert!(Identity::load_or_create(&disk, Path::new(DIR), "bücher.example", &clock).is_err());
}
