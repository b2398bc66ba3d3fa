//! The process that talks to the token: it is asked one thing on its standard input, answers there, and ends. Whatever the
//! token's module does in it, it does beside the vault and not in it.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use vault::inside::{HelperAnswer, HelperAsk, Job, Out, Wire, answer_info, from_bytes, seal_hybrid};
use vault::{SystemEntropy, TokenError};
use zeroize::Zeroizing;

use super::confine;
use super::device::Device;

/// The longest request: a path, a label, a PIN, and a ciphertext of 1024 bytes at most.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;

/// Answers the one request that comes in on standard input, a socket of the node, and returns. Call it on the only thread,
/// before anything else.
///
/// # Errors
/// Standard input when it is not a socket; the socket's own. What the token refuses goes to the node as an answer.
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
        Job::Find(id) => device.find(id).map(HelperAnswer::Key),
        Job::Open(wanted) => {
            let secret = device.decrypt(&wanted.id, &wanted.sealed)?;
            let sealed = seal_hybrid(&wanted.to, &answer_info(&wanted.to), &secret, &SystemEntropy);
            sealed
                .map(HelperAnswer::Opened)
                .map_err(|_| TokenError::Helper("the vault's key for the answer is none".into()))
        }
    }
}
