//! The process that has files at places which a node's own process may not reach: those that a person named for one request, or the places
//! for backups. It is this program, started by the node's parent; its standard input is a socket, at which it answers the questions of
//! [`durable::Files`] until the other end is closed. It can open nothing but those places.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};

use clap::Args;
use confine::{Calls, Folder};
use durable::{Disk, FileAnswer, FileAsk, FileSaid, Files, OwnFiles, RealDisk};
use operations::places::Places;
use serde::{Deserialize, Serialize};

use crate::channel::{receive, send};

/// `files-process`
#[derive(Debug, Args)]
pub(crate) struct FilesArgs {
    /// A place to read
    #[arg(long)]
    read: Vec<PathBuf>,
    /// A place to write, made when it is missing
    #[arg(long)]
    write: Vec<PathBuf>,
}

/// An error of the system on its way to another process.
#[derive(Serialize, Deserialize)]
struct Refused {
    code: Option<i32>,
    text: String,
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self { code: error.raw_os_error(), text: error.to_string() }
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        refused.code.map_or_else(|| Self::other(refused.text), Self::from_raw_os_error)
    }
}

/// Starts one for these places; the socket by which it is asked. It ends when that is closed.
///
/// # Errors
/// The system's.
pub(crate) fn start(places: &Places) -> io::Result<OwnedFd> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("files-process");
    for (option, paths) in [("--read", &places.read), ("--write", &places.write)] {
        for path in paths {
            command.arg(option).arg(path);
        }
    }
    command.env_clear().process_group(0).stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null());
    let mut child = command.spawn()?;
    // The asker need not wait for its end; somebody has to.
    std::thread::Builder::new().name("files".to_owned()).spawn(move || child.wait())?;
    Ok(ours.into())
}

/// `files-process`: answers until its standard input ends.
///
/// # Errors
/// The system's, when it cannot be confined.
pub(crate) fn serve(args: &FilesArgs) -> io::Result<ExitCode> {
    confine::close_inherited();
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    socket.peer_addr()?;
    // What cannot be made, or is not there, is found out when it is asked for.
    let mut missing: Vec<(PathBuf, io::Error)> = Vec::new();
    for path in &args.write {
        if let Err(error) = RealDisk.create_dir_all(path) {
            missing.push((path.clone(), error));
        }
    }
    let read = args.read.iter().filter(|path| path.exists()).map(|path| Folder::Read(path));
    let write = args.write.iter().filter(|path| path.exists()).map(|path| Folder::Write(path));
    let folders: Vec<Folder<'_>> = read.chain(write).collect();
    confine::harden()?;
    confine::leave_signals_to_parent()?;
    confine::confine(&folders, Calls::Files)?;
    while let Some(message) = receive(&socket)? {
        let ask: FileAsk = message.value()?;
        let answered = match missing.iter().find(|(place, _)| path_of(&ask).starts_with(place)) {
            Some((_, error)) => Err(error
                .raw_os_error()
                .map_or_else(|| io::Error::other(error.to_string()), io::Error::from_raw_os_error)),
            None => OwnFiles.ask(&ask, &message.bytes),
        };
        let (said, bytes, file) = match answered {
            Ok(FileAnswer { said, bytes, file }) => (Ok(said), bytes, file),
            Err(error) => (Err(Refused::from(error)), Vec::new(), None),
        };
        let files: Vec<_> = file.iter().map(AsFd::as_fd).collect();
        send(&socket, message.number, &said, &bytes, &files)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn path_of(ask: &FileAsk) -> &Path {
    match ask {
        FileAsk::CreateDirAll(path)
        | FileAsk::Read(path)
        | FileAsk::WriteAtomic(path, _)
        | FileAsk::ReplaceShredding(path, _)
        | FileAsk::Shred(path)
        | FileAsk::FinishShredding(path)
        | FileAsk::Remove(path)
        | FileAsk::Exists(path)
        | FileAsk::List(path)
        | FileAsk::OpenAppend(path, _)
        | FileAsk::Open(path)
        | FileAsk::Resolve(path)
        | FileAsk::About(path)
        | FileAsk::Entries(path)
        | FileAsk::OpenNew(path)
        | FileAsk::OpenOld(path)
        | FileAsk::MakeDir(path)
        | FileAsk::Lock(path) => path,
    }
}

/// Files by such a process.
pub(crate) struct FarFiles(Mutex<UnixStream>);

impl FarFiles {
    /// By its socket.
    pub(crate) fn over(socket: OwnedFd) -> Self {
        Self(Mutex::new(socket.into()))
    }
}

impl Files for FarFiles {
    fn ask(&self, ask: &FileAsk, bytes: &[u8]) -> io::Result<FileAnswer> {
        let socket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        send(&socket, 0, ask, bytes, &[])?;
        let gone = || io::Error::other("the process that has these files has ended");
        let message = receive(&socket)?.ok_or_else(gone)?;
        let said: Result<FileSaid, Refused> = message.value()?;
        let file = message.files.into_iter().next().map(File::from);
        Ok(FileAnswer { said: said?, bytes: message.bytes, file })
    }
}
