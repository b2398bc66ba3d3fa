//! The three nodes of the demo: their places and people, and how they are made.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::Path;

use durable::RealDisk;
use operations::config::{Config, Listen, jurisdiction_name};
use operations::node::{Founding, Node, random_passphrase};
use terms::{HOME_FORMAT, Jurisdiction, OfficerName, Secret};

use super::error::DemoError;
use super::state::{AccountState, DemoState, NodeState, OfficerState, save};

/// The first port unless `--ports` says otherwise: below the range that Linux hands out by itself (32768 and up).
pub(super) const PORTS_BASE: u16 = 25_000;
/// Between one node's ports and the next one's.
const PORTS_STEP: u16 = 100;

/// What each node of the demo is made of: its place, its domain, its people, and what its operator declares.
pub(super) struct Place {
    pub(super) jurisdiction: &'static str,
    pub(super) domain: &'static str,
    pub(super) owners: &'static [&'static str],
    pub(super) officers: &'static [&'static str],
    pub(super) home: &'static str,
}

pub(super) const PLACES: [Place; 3] = [
    Place {
        jurisdiction: "IE",
        domain: "ie.example",
        owners: &["aoife", "brendan"],
        officers: &["niamh", "oisin", "sorcha"],
        home: include_str!("../../demo/home-ie.toml"),
    },
    Place {
        jurisdiction: "US",
        domain: "us.example",
        owners: &["john"],
        officers: &["alice", "bob"],
        home: include_str!("../../demo/home-us.toml"),
    },
    Place {
        jurisdiction: "DE",
        domain: "de.example",
        owners: &["greta"],
        officers: &["jutta", "klaus"],
        home: include_str!("../../demo/home-de.toml"),
    },
];

/// The sample mail that every demo account starts with.
static SAMPLE_MAIL: include_dir::Dir<'_> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/demo/mail");

/// The addresses of the node at `place`, counted in [`PLACES`].
pub(super) fn listen(base: u16, place: usize) -> Listen {
    let step = PORTS_STEP.saturating_mul(u16::try_from(place).unwrap_or(u16::MAX));
    Listen::at(IpAddr::V4(Ipv4Addr::LOCALHOST), base.saturating_add(step))
}

/// Finds out before anything is started whether a port is taken, so that the error names all of it.
pub(super) fn check_ports(base: u16) -> Result<(), DemoError> {
    let taken: Vec<String> = (0..PLACES.len())
        .flat_map(|place| listen(base, place).all())
        .filter(|(_, address)| {
            TcpListener::bind(address).is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
        })
        .map(|(door, address)| format!("{address} ({door})"))
        .collect();
    if taken.is_empty() {
        return Ok(());
    }
    Err(DemoError::PortsTaken { taken, base })
}

pub(super) fn move_ports(dir: &Path, state: &DemoState) -> Result<(), DemoError> {
    for (place, node) in state.nodes.iter().enumerate() {
        let node_dir = dir.join(node.jurisdiction.as_str());
        Config::change(&RealDisk, &node_dir, |config| config.listen = listen(state.ports, place))?;
    }
    save(dir, state)
}

/// Makes the three nodes, at the same time, with their people and the sample mail.
pub(super) fn found(dir: &Path, base: u16) -> Result<DemoState, DemoError> {
    save(dir, &DemoState { format: HOME_FORMAT, ports: base, nodes: Vec::new() })?;
    let made: Vec<Result<NodeState, DemoError>> = std::thread::scope(|scope| {
        let makers: Vec<_> = PLACES
            .iter()
            .enumerate()
            .map(|(index, place)| scope.spawn(move || found_one(dir, place, listen(base, index))))
            .collect();
        makers
            .into_iter()
            .map(|maker| {
                maker.join().unwrap_or_else(|_| Err(DemoError::Program("making a node failed; see above".to_owned())))
            })
            .collect()
    });
    let nodes = made.into_iter().collect::<Result<_, _>>()?;
    let state = DemoState { format: HOME_FORMAT, ports: base, nodes };
    save(dir, &state)?;
    Ok(state)
}

fn found_one(dir: &Path, place: &Place, listen: Listen) -> Result<NodeState, DemoError> {
    let dir = dir.join(place.jurisdiction);
    let jurisdiction: Jurisdiction =
        place.jurisdiction.parse().map_err(|error| DemoError::Program(format!("{error}")))?;
    let home = toml::from_str(place.home).map_err(|error| DemoError::Program(error.to_string()))?;
    let name = format!("Bailiwick demo, {}", jurisdiction_name(&jurisdiction));
    let hostname = format!("mail.{}", place.domain);
    let config = Config::new(name, hostname, vec![place.domain.to_owned()], listen, home);
    let entropy = vault::SystemEntropy;
    let mut officers = Vec::new();
    for name in place.officers {
        let name: OfficerName = name.parse().map_err(|error| DemoError::Program(format!("{error}")))?;
        officers.push(OfficerState { name, passphrase: random_passphrase(&entropy) });
    }
    let founding = Founding {
        config,
        passphrase: Secret::new(random_passphrase(&entropy)),
        officers: officers.iter().map(|o| (o.name.clone(), Secret::new(o.passphrase.clone()))).collect(),
        key_holders: Vec::new(),
        token: None,
    };
    let node = Node::found(&dir, founding)?;
    let mut accounts = Vec::new();
    for owner in place.owners {
        let address = format!("{owner}@{}", place.domain);
        let password = random_passphrase(&entropy);
        let (account, _) = node.add_account(&address, vault::Custody::Strict, &Secret::new(password.clone()))?;
        let mailbox = node
            .mailroom
            .store
            .mailbox_named(account, "INBOX")
            .map_err(|error| DemoError::Program(error.to_string()))?
            .id;
        let sample = SAMPLE_MAIL
            .files()
            .map(|file| node.mailroom.incoming_import(account, mailbox, crlf(file.contents())))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| DemoError::Program(error.to_string()))?;
        node.mailroom.store.append(sample).map_err(|error| DemoError::Program(error.to_string()))?;
        let address = address.parse().map_err(|error| DemoError::Program(format!("{error}")))?;
        accounts.push(AccountState { address, password });
    }
    Ok(NodeState { jurisdiction, accounts, officers })
}

/// The sample files are text in the source tree; mail on the wire has CR LF.
fn crlf(text: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(text).replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}
