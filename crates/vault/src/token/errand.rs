//! The process that talks to the token: it is asked one thing on its standard input, answers there, and ends. Whatever the
//! token's module does in it, it does beside the vault and not in it.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use terms::Secret;
use zeroize::Zeroizing;

use super::confine;
use super::device::Device;
use super::{TokenAsk, TokenError, TokenKey, answer_info};
use crate::crypto::{SystemEntropy, seal_hybrid};
use crate::wire::{Octets, Out, Wire, from_bytes, wire_struct};

/// The longest request: a path, a label, a PIN, and a ciphertext of 1024 octets at most.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;

/// What the helper is asked to do.
pub(super) struct HelperAsk {
    /// The path of the token's module.
    pub(super) module: String,
    pub(super) label: String,
    pub(super) pin: Secret<String>,
    /// Whether a person typed the PIN just now.
    pub(super) typed: bool,
    /// Whether the token is reached over a network.
    pub(super) network: bool,
    pub(super) job: Job,
}
wire_struct!(HelperAsk { module, label, pin, typed, network, job });

pub(super) enum Job {
    /// Make a key.
    Make,
    /// Find the key of this id.
    Find(Octets),
    /// Open a secret.
    Open(TokenAsk),
}

impl Wire for Job {
    fn put(&self, out: &mut Out) {
        match self {
            Self::Make => 1_u8.put(out),
            Self::Find(id) => {
                2_u8.put(out);
                id.put(out);
            }
            Self::Open(ask) => {
                3_u8.put(out);
                ask.put(out);
            }
        }
    }

    fn take(rest: &mut crate::encode::Decoder<'_>) -> Option<Self> {
        match rest.u8()? {
            1 => Some(Self::Make),
            2 => Wire::take(rest).map(Self::Find),
            3 => Wire::take(rest).map(Self::Open),
            _ => None,
        }
    }
}

/// What it answers: a key's public half, or a secret that is sealed to the vault.
pub(super) enum HelperAnswer {
    Key(TokenKey),
    Opened(Octets),
}

impl Wire for HelperAnswer {
    fn put(&self, out: &mut Out) {
        match self {
            Self::Key(key) => {
                1_u8.put(out);
                key.put(out);
            }
            Self::Opened(sealed) => {
                2_u8.put(out);
                sealed.put(out);
            }
        }
    }

    fn take(rest: &mut crate::encode::Decoder<'_>) -> Option<Self> {
        match rest.u8()? {
            1 => Wire::take(rest).map(Self::Key),
            2 => Wire::take(rest).map(Self::Opened),
            _ => None,
        }
    }
}

/// Answers the one request that comes in on standard input, a socket of the node, and returns. Call it on the only thread,
/// before anything else.
///
/// # Errors
/// Standard input when it is no socket; the socket's own. What the token refuses goes to the node as an answer.
pub fn serve_standard_input() -> io::Result<()> {
    confine::before_the_request()?;
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    socket.peer_addr()?;
    let mut request = Zeroizing::new(vec![0; 8]);
    socket.read_exact(&mut request)?;
    let len = u64::from_be_bytes([
        request[0], request[1], request[2], request[3], request[4], request[5], request[6], request[7],
    ]);
    let len = usize::try_from(len.min(REQUEST_BYTES_MAX)).map_err(io::Error::other)?;
    let mut request = Zeroizing::new(vec![0; len]);
    socket.read_exact(&mut request)?;
    let answer = match from_bytes::<HelperAsk>(&request) {
        Some(ask) => answer(&ask),
        None => Err(TokenError::Helper("it is of another version of the program".into())),
    };
    let mut out = Out::new();
    answer.put(&mut out);
    socket.write_all(&out.finish())
}

fn answer(ask: &HelperAsk) -> Result<HelperAnswer, TokenError> {
    confine::before_the_module(ask.network)
        .map_err(|error| TokenError::Helper(format!("it cannot give up system calls: {error}").into()))?;
    let device = Device::open(Path::new(&ask.module), &ask.label, &ask.pin, ask.typed)?;
    match &ask.job {
        Job::Make => device.make(&SystemEntropy).map(HelperAnswer::Key),
        Job::Find(id) => device.find(&id.0).map(HelperAnswer::Key),
        Job::Open(wanted) => {
            let secret = device.decrypt(&wanted.id.0, &wanted.sealed.0)?;
            let sealed = seal_hybrid(&wanted.to, &answer_info(&wanted.to), &secret, &SystemEntropy);
            sealed
                .map(|sealed| HelperAnswer::Opened(Octets(sealed)))
                .map_err(|_| TokenError::Helper("the vault's key for the answer is none".into()))
        }
    }
}
