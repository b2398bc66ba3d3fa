//! The node's end of the way to the helper: started for one question, and ended when it takes too long.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use terms::Secret;
use zeroize::Zeroizing;

use super::{HelperAnswer, HelperAsk, Job, TokenAsk, TokenError, TokenKey};
use crate::transport::VaultProgram;
use crate::wire::{Out, Wire, from_bytes};

/// How long a token may take to open something: a smart card takes a second, a busy network HSM some.
const OPEN_SECONDS_MAX: u64 = 30;

/// How long a token may take to make a key: a smart card takes up to a minute for RSA of 3072 bits.
const MAKE_SECONDS_MAX: u64 = 180;

/// The longest answer.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// A token, and what shows it that we may use it.
pub struct Token {
    /// The helper: a program that calls `keeper::token::serve_standard_input`. It has this process's
    /// environment, because modules are configured by it.
    pub program: VaultProgram,
    /// The token's PKCS#11 module, an absolute path.
    pub module: PathBuf,
    /// The token's label.
    pub label: String,
    /// The user's PIN. It goes to the helper through a socket.
    pub pin: Secret<String>,
    /// Whether a person typed the PIN just now. One that nobody typed is not shown to a token that has seen a wrong one.
    pub typed: bool,
    /// Whether the token is reached over a network: the helper has none otherwise, but sockets of this machine.
    pub network: bool,
}

/// Ends the helper, whatever became of it.
struct Helper(Child);

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Token {
    /// Makes an RSA key in the token whose private key never leaves it; with an `id`, takes the key of that `CKA_ID`
    /// instead.
    ///
    /// # Errors
    /// Any [`TokenError`] but [`TokenError::Vault`].
    pub fn key(&self, id: Option<Vec<u8>>) -> Result<TokenKey, TokenError> {
        let job = id.map_or(Job::Make, Job::Find);
        match self.ask(job, MAKE_SECONDS_MAX)? {
            HelperAnswer::Key(key) => Ok(key),
            HelperAnswer::Opened(_) => Err(TokenError::Helper("it answers something else".into())),
        }
    }

    /// Has the token open a secret; what comes back is sealed to the vault.
    pub(crate) fn open(&self, ask: TokenAsk) -> Result<Vec<u8>, TokenError> {
        match self.ask(Job::Open(ask), OPEN_SECONDS_MAX)? {
            HelperAnswer::Opened(sealed) => Ok(sealed),
            HelperAnswer::Key(_) => Err(TokenError::Helper("it answers something else".into())),
        }
    }

    fn ask(&self, job: Job, seconds_max: u64) -> Result<HelperAnswer, TokenError> {
        let module = self.module.to_str().ok_or(TokenError::Module("its path is not UTF-8".into()))?.to_owned();
        let (label, pin) = (self.label.clone(), self.pin.clone());
        let (typed, network) = (self.typed, self.network);
        let mut out = Out::new();
        HelperAsk { module, label, pin, typed, network, job }.put(&mut out);
        let answer = self.converse(&out.finish(), seconds_max).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                TokenError::Helper(format!("the token did not answer in {seconds_max} s").into())
            }
            _ => TokenError::Helper(error.to_string().into()),
        })?;
        let ended =
            || TokenError::Helper("it ended without an answer: the token's module may have failed in it".into());
        from_bytes::<Result<HelperAnswer, TokenError>>(&answer).ok_or_else(ended)?
    }

    fn converse(&self, request: &[u8], seconds_max: u64) -> io::Result<Vec<u8>> {
        let (mut ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(&self.program.program);
        // What a module prints may be anything; it goes nowhere.
        command.args(&self.program.arguments).process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        command.stdin(Stdio::from(OwnedFd::from(theirs)));
        let _helper = Helper(command.spawn()?);
        // The command holds our copy of the helper's end; without it the end of the helper is the end of the answer.
        drop(command);
        ours.set_read_timeout(Some(Duration::from_secs(seconds_max)))?;
        ours.write_all(&(request.len() as u64).to_be_bytes())?;
        ours.write_all(request)?;
        let mut answer = Zeroizing::new(Vec::new());
        (&mut ours).take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
        Ok(std::mem::take(&mut *answer))
    }
}
