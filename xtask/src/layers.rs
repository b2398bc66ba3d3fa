//! The table of layers and of absences: which room may depend on which, and what must not be in it.
//!
//! A manifest is a claim that an auditor reads in ten seconds; `tidy` holds every manifest and every source file
//! against these tables. To let a room use more, change the table here, in the same change, and say why.

/// The rooms of each layer. A room uses rooms with a lower number only, so siblings do not see each other.
///
/// `border`, `jmap` and `queue` have their place before they are built.
pub(crate) const LAYERS: &[(u8, &[&str])] = &[
    (0, &["terms", "durable", "confine"]),
    (1, &["message", "smtp", "imap", "jmap", "rules", "ledger"]),
    (2, &["vault", "disclosure"]),
    (3, &["store"]),
    (4, &["mailroom", "queue", "desk"]),
    (5, &["border"]),
    (6, &["operations"]),
    (7, &["doors", "pages"]),
    (8, &["bailiwick"]),
];

/// A room beside the layers.
pub(crate) struct Beside {
    pub(crate) room: &'static str,
    /// What it may use.
    pub(crate) uses: &'static [&'static str],
    /// The rooms that may use it; the tests of all rooms may.
    pub(crate) used_by: &'static [&'static str],
    pub(crate) why: &'static str,
}

/// The rooms beside the layers. Which file of its user may name one is a fence below.
pub(crate) const BESIDE: &[Beside] = &[Beside {
    room: "keeper",
    uses: &["vault", "ledger", "durable", "terms", "confine"],
    used_by: &["bailiwick"],
    why: "secrets and their files belong to the vault's process alone: everybody else asks it, through `vault`",
}];

/// Pairs of rooms in one layer where the first may use the second, and why.
pub(crate) const NEIGHBOURS: &[(&str, &str, &str)] =
    &[("durable", "terms", "files need the words for time and digests; words need nothing")];

/// Rooms that only tests may use. They may use every room.
pub(crate) const FOR_TESTS: &[&str] = &["world"];

/// The layer of a room, if the table knows it.
pub(crate) fn layer(room: &str) -> Option<u8> {
    LAYERS.iter().find(|(_, rooms)| rooms.contains(&room)).map(|(layer, _)| *layer)
}

/// The rooms that are machines: bytes and arguments in, bytes and requests out.
pub(crate) const MACHINES: &[&str] = &["smtp", "imap", "jmap", "message", "rules"];

/// Crates that only some rooms may name in their manifest.
pub(crate) struct Kept {
    /// Names of crates; a name ending in `-` stands for all that begin so.
    pub(crate) crates: &'static [&'static str],
    /// The rooms that may use them.
    pub(crate) rooms: &'static [&'static str],
    /// Why no other room may.
    pub(crate) why: &'static str,
}

/// Who may depend on what. Dependencies for tests are free.
pub(crate) const KEPT: &[Kept] = &[
    Kept {
        crates: &["tokio", "tokio-", "axum", "hyper", "hyper-", "tower", "tower-"],
        rooms: &["border", "doors", "pages", "bailiwick", "world"],
        why: "what decides and what stores blocks or returns; only what talks to the outside waits",
    },
    Kept { crates: &["rustls", "rcgen"], rooms: &["border", "doors"], why: "the outside ends where TLS ends" },
    Kept {
        crates: &["argon2", "blahaj", "totp-rs", "cryptoki", "bip39"],
        rooms: &["keeper"],
        why: "a key is opened, wrapped, split or joined in one place",
    },
    Kept {
        crates: &["hpke"],
        rooms: &["vault", "keeper"],
        why: "the node seals what it receives; everything sealed is opened in one place",
    },
    Kept {
        crates: &["landlock", "seccompiler"],
        rooms: &["confine", "keeper"],
        why: "the processes of a node confine themselves; nobody else has business with the kernel",
    },
    Kept {
        crates: &["nix"],
        rooms: &["confine", "keeper", "bailiwick"],
        why: "the processes of a node confine themselves, and the node starts without huge pages",
    },
    Kept {
        crates: &["libc"],
        rooms: &["confine", "keeper", "durable"],
        why: "the processes of a node confine themselves, and segments need a flag of open(2); nobody else has business with the kernel",
    },
    Kept {
        crates: &["tracing", "tracing-", "log"],
        rooms: &["border", "doors", "pages", "bailiwick"],
        why: "what handles mail and demands has no log: it returns what happened",
    },
    Kept { crates: &["rusqlite"], rooms: &["store"], why: "the database is the store's own matter" },
    Kept {
        crates: &["mail-parser"],
        rooms: &["message"],
        why: "one reading of a message, or clients and cases differ",
    },
    Kept {
        crates: &["rand", "rand_core", "getrandom", "fastrand"],
        rooms: &[],
        why: "randomness is an argument: take a `terms::Entropy`",
    },
];

/// Names that only some rooms may use in shipped code (tests are free).
pub(crate) struct Fence {
    /// Modules and crates (`std::fs`, `rand`), types (`TcpStream`), macros (`println!`).
    pub(crate) names: &'static [&'static str],
    /// Whom it restricts.
    pub(crate) around: Around,
    /// Why, and what to do instead.
    pub(crate) why: &'static str,
}

/// Which rooms a fence restricts.
pub(crate) enum Around {
    /// These.
    Rooms(&'static [&'static str]),
    /// All but these.
    AllBut(&'static [&'static str]),
    /// Every file but those under these paths.
    AllButFiles(&'static [&'static str]),
}

/// The only files that run in the vault's process and the token's.
const VAULT_PROCESS: &[&str] = &["crates/keeper/", "crates/bailiwick/src/vault_processes.rs"];

/// The fences.
pub(crate) const FENCES: &[Fence] = &[
    Fence {
        names: &["std::fs", "std::env", "std::process", "std::thread", "std::os", "durable"],
        around: Around::Rooms(MACHINES),
        why: "a machine has no files, no environment and no threads: what it needs is an argument",
    },
    Fence {
        names: &["SystemTime", "Instant", "jiff::Zoned::now", "jiff::Timestamp::now"],
        around: Around::Rooms(MACHINES),
        why: "a machine has no clock: time is an argument",
    },
    Fence {
        names: &["rand", "getrandom", "aws_lc_rs::rand", "RandomState"],
        around: Around::Rooms(MACHINES),
        why: "a machine has no randomness in it: entropy is an argument",
    },
    Fence {
        names: &["std::fs", "durable"],
        around: Around::Rooms(&["vault"]),
        why: "the handle has no files: those are the keeper's, in the vault's process",
    },
    Fence {
        names: &["HashMap", "HashSet"],
        around: Around::Rooms(&["rules"]),
        why: "their order is random, and a decision replays to the byte: use a BTreeMap",
    },
    Fence {
        names: &["TcpStream", "TcpListener", "UdpSocket", "UnixListener", "UnixDatagram", "ToSocketAddrs", "tokio"],
        around: Around::AllBut(&["border", "doors", "pages", "bailiwick", "world"]),
        why: "sockets belong to `doors`, `pages` and `border`",
    },
    Fence {
        names: &["UnixStream"],
        around: Around::AllBut(&["border", "doors", "bailiwick", "world", "vault", "keeper"]),
        why: "sockets belong to `doors` and `border`; the vault has the one pair that it is born with",
    },
    Fence {
        names: &["vault::inside", "vault::calls"],
        around: Around::AllBut(&["vault", "keeper"]),
        why: "the wire, the shared cryptography and raw keys are between the vault's two ends",
    },
    Fence {
        names: &["println!", "eprintln!", "print!", "eprint!", "dbg!"],
        around: Around::AllBut(&["bailiwick"]),
        why: "only the program talks to a terminal; what it shows of a person is decided in one place",
    },
    Fence {
        names: &["keeper"],
        around: Around::AllButFiles(VAULT_PROCESS),
        why: "only the vault's process and the token's run the keeper: ask it, through `vault`",
    },
];
