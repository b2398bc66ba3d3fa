//! Files at places that a process may not reach itself. A node's own process has its own folders only (docs/processes.md); what a person
//! names at the command line, and the places for backups, it reaches through a process that has those and nothing else.
//!
//! An ask is one question about paths; its answer is plain data, bytes, or an open file. [`OwnFiles`] answers with this process's own
//! rights; a [`FarDisk`] is a [`Disk`] made of asks.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::real::{RealAppend, RealRead};
use crate::{AppendFile, DirLock, Disk, LockError, ReadAt, RealDisk, Visibility};

/// A question about a path. The first ones are those of a [`Disk`], with the same promises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FileAsk {
    CreateDirAll(PathBuf),
    Read(PathBuf),
    /// The bytes come beside the question, as with `ReplaceShredding`.
    WriteAtomic(PathBuf, Visibility),
    ReplaceShredding(PathBuf, Visibility),
    Shred(PathBuf),
    FinishShredding(PathBuf),
    Remove(PathBuf),
    Exists(PathBuf),
    List(PathBuf),
    OpenAppend(PathBuf, Visibility),
    /// To read; links are followed.
    Open(PathBuf),
    /// The path without links.
    Resolve(PathBuf),
    /// What is there, which may be a link.
    About(PathBuf),
    /// The paths in a folder, sorted.
    Entries(PathBuf),
    /// A new file for its owner alone, to read and append.
    OpenNew(PathBuf),
    /// A file that is there, to read and append.
    OpenOld(PathBuf),
    /// A new folder for its owner alone.
    MakeDir(PathBuf),
    /// The lock of a folder, as [`DirLock`] takes it.
    Lock(PathBuf),
}

/// What an ask is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FileSaid {
    Done,
    /// They come beside the answer.
    Bytes,
    /// It comes beside the answer.
    File,
    Whether(bool),
    Names(Vec<String>),
    Path(PathBuf),
    Paths(Vec<PathBuf>),
    About(About),
    /// Another process has the lock; its number, where it is known.
    Held(Option<u32>),
}

/// An answer with what comes beside it.
#[derive(Debug)]
pub struct FileAnswer {
    /// The answer.
    pub said: FileSaid,
    /// The bytes of [`FileSaid::Bytes`].
    pub bytes: Vec<u8>,
    /// The file of [`FileSaid::File`].
    pub file: Option<File>,
}

impl From<FileSaid> for FileAnswer {
    fn from(said: FileSaid) -> Self {
        Self { said, bytes: Vec::new(), file: None }
    }
}

impl From<File> for FileAnswer {
    fn from(file: File) -> Self {
        Self { said: FileSaid::File, bytes: Vec::new(), file: Some(file) }
    }
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct About {
    /// A regular file, not a link to one.
    pub is_file: bool,
    /// A folder, not a link to one.
    pub is_dir: bool,
    pub device: u64,
    pub inode: u64,
    pub links: u64,
    pub size_bytes: u64,
    /// Milliseconds since 1970; `None` where the file system does not say, or says a time before.
    pub modified_millis: Option<i64>,
}

impl About {
    /// Of what is known of a file.
    pub fn of(metadata: &fs::Metadata) -> Self {
        let since = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        Self {
            is_file: metadata.is_file(),
            is_dir: metadata.is_dir(),
            device: metadata.dev(),
            inode: metadata.ino(),
            links: metadata.nlink(),
            size_bytes: metadata.len(),
            modified_millis: since.and_then(|since| since.as_millis().try_into().ok()),
        }
    }

    /// Whether both are of one file.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// What answers asks.
pub trait Files: Send + Sync {
    /// Answers one. `bytes` are those of an ask that writes.
    ///
    /// # Errors
    /// The system's.
    fn ask(&self, ask: &FileAsk, bytes: &[u8]) -> io::Result<FileAnswer>;
}

/// This process's own rights.
#[derive(Debug, Clone, Copy, Default)]
pub struct OwnFiles;

impl Files for OwnFiles {
    fn ask(&self, ask: &FileAsk, bytes: &[u8]) -> io::Result<FileAnswer> {
        let disk = RealDisk;
        let done = |()| FileAnswer::from(FileSaid::Done);
        match ask {
            FileAsk::CreateDirAll(path) => disk.create_dir_all(path).map(done),
            FileAsk::Read(path) => disk.read(path).map(|bytes| FileAnswer { said: FileSaid::Bytes, bytes, file: None }),
            FileAsk::WriteAtomic(path, visibility) => disk.write_atomic(path, bytes, *visibility).map(done),
            FileAsk::ReplaceShredding(path, visibility) => disk.replace_shredding(path, bytes, *visibility).map(done),
            FileAsk::Shred(path) => disk.shred(path).map(done),
            FileAsk::FinishShredding(path) => disk.finish_shredding(path).map(done),
            FileAsk::Remove(path) => disk.remove(path).map(done),
            FileAsk::Exists(path) => Ok(FileSaid::Whether(disk.exists(path)).into()),
            FileAsk::List(path) => disk.list(path).map(|names| FileSaid::Names(names).into()),
            FileAsk::OpenAppend(path, visibility) => RealAppend::file(path, *visibility).map(FileAnswer::from),
            FileAsk::Open(path) => File::open(path).map(FileAnswer::from),
            FileAsk::Resolve(path) => fs::canonicalize(path).map(|path| FileSaid::Path(path).into()),
            FileAsk::About(path) => fs::symlink_metadata(path).map(|found| FileSaid::About(About::of(&found)).into()),
            FileAsk::Entries(path) => {
                let mut paths = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
                paths.sort();
                Ok(FileSaid::Paths(paths).into())
            }
            FileAsk::OpenNew(path) => {
                let mut options = OpenOptions::new();
                options.read(true).append(true).create_new(true).mode(0o600).open(path).map(FileAnswer::from)
            }
            FileAsk::OpenOld(path) => OpenOptions::new().read(true).append(true).open(path).map(FileAnswer::from),
            FileAsk::MakeDir(path) => DirBuilder::new().mode(0o700).create(path).map(done),
            FileAsk::Lock(path) => match DirLock::take(path) {
                Ok(lock) => Ok(lock.into_file().into()),
                Err(LockError::Held { process, .. }) => Ok(FileSaid::Held(process).into()),
                Err(LockError::Io { error, .. }) => Err(error),
            },
        }
    }
}

/// An answer that does not fit the ask: the other side is of another version.
fn odd() -> io::Error {
    io::Error::other("the process that has the files answers something else")
}

macro_rules! asks {
    ($($(#[$doc:meta])* fn $name:ident($ask:ident $(, $more:ident: $kind:ty)?) -> $answer:ty = $said:pat => $value:expr;)+) => {
        impl dyn Files + '_ {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// The system's.
                pub fn $name(&self, path: &Path $(, $more: $kind)?) -> io::Result<$answer> {
                    match self.ask(&FileAsk::$ask(path.to_owned() $(, $more)?), &[])? {
                        $said => Ok($value),
                        _ => Err(odd()),
                    }
                }
            )+
        }
    };
}

asks! {
    /// As [`FileAsk::Open`].
    fn open(Open) -> File = FileAnswer { file: Some(file), .. } => file;
    /// As [`FileAsk::Resolve`].
    fn resolve(Resolve) -> PathBuf = FileAnswer { said: FileSaid::Path(path), .. } => path;
    /// As [`FileAsk::About`].
    fn about(About) -> About = FileAnswer { said: FileSaid::About(about), .. } => about;
    /// As [`FileAsk::Entries`].
    fn entries(Entries) -> Vec<PathBuf> = FileAnswer { said: FileSaid::Paths(paths), .. } => paths;
    /// As [`FileAsk::OpenNew`].
    fn open_new(OpenNew) -> File = FileAnswer { file: Some(file), .. } => file;
    /// As [`FileAsk::OpenOld`].
    fn open_old(OpenOld) -> File = FileAnswer { file: Some(file), .. } => file;
    /// As [`FileAsk::MakeDir`].
    fn make_dir(MakeDir) -> () = FileAnswer { said: FileSaid::Done, .. } => ();
    fn create_dir_all(CreateDirAll) -> () = FileAnswer { said: FileSaid::Done, .. } => ();
    fn read(Read) -> Vec<u8> = FileAnswer { said: FileSaid::Bytes, bytes, .. } => bytes;
    fn shred(Shred) -> () = FileAnswer { said: FileSaid::Done, .. } => ();
    fn finish_shredding(FinishShredding) -> () = FileAnswer { said: FileSaid::Done, .. } => ();
    fn remove(Remove) -> () = FileAnswer { said: FileSaid::Done, .. } => ();
    fn exists(Exists) -> bool = FileAnswer { said: FileSaid::Whether(whether), .. } => whether;
    fn list(List) -> Vec<String> = FileAnswer { said: FileSaid::Names(names), .. } => names;
    fn open_append(OpenAppend, visibility: Visibility) -> File = FileAnswer { file: Some(file), .. } => file;
}

/// The lock of a folder, taken where the folder is. See [`DirLock::take`].
///
/// # Errors
/// As of [`DirLock::take`].
pub fn lock_dir(files: &dyn Files, dir: &Path) -> Result<DirLock, LockError> {
    let io = |error| LockError::Io { dir: dir.to_owned(), error };
    match files.ask(&FileAsk::Lock(dir.to_owned()), &[]).map_err(io)? {
        FileAnswer { file: Some(file), .. } => Ok(DirLock::of_file(file)),
        FileAnswer { said: FileSaid::Held(process), .. } => Err(LockError::Held { dir: dir.to_owned(), process }),
        _ => Err(io(odd())),
    }
}

/// A disk of which every question about a path goes through [`Files`]. Open files are this process's own.
#[derive(Clone)]
pub struct FarDisk(pub Arc<dyn Files>);

impl FarDisk {
    fn write(&self, ask: &FileAsk, bytes: &[u8]) -> io::Result<()> {
        match self.0.ask(ask, bytes)?.said {
            FileSaid::Done => Ok(()),
            _ => Err(odd()),
        }
    }
}

impl Disk for FarDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.0.create_dir_all(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.read(path)
    }

    fn write_atomic(&self, path: &Path, bytes: &[u8], visibility: Visibility) -> io::Result<()> {
        self.write(&FileAsk::WriteAtomic(path.to_owned(), visibility), bytes)
    }

    fn replace_shredding(&self, path: &Path, bytes: &[u8], visibility: Visibility) -> io::Result<()> {
        self.write(&FileAsk::ReplaceShredding(path.to_owned(), visibility), bytes)
    }

    fn shred(&self, path: &Path) -> io::Result<()> {
        self.0.shred(path)
    }

    fn finish_shredding(&self, dir: &Path) -> io::Result<()> {
        self.0.finish_shredding(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.exists(path).unwrap_or(false)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.0.list(path)
    }

    fn open_append(&self, path: &Path, visibility: Visibility) -> io::Result<Box<dyn AppendFile>> {
        Ok(Box::new(RealAppend::over(self.0.open_append(path, visibility)?)?))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn ReadAt>> {
        Ok(Box::new(RealRead(self.0.open(path)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that is asked passes through a disk as through the machine's own.
    #[test]
    fn a_far_disk_is_a_disk() {
        let scratch = tempfile::tempdir().unwrap();
        let disk = FarDisk(Arc::new(OwnFiles));
        let dir = scratch.path().join("a/b");
        disk.create_dir_all(&dir).unwrap();
        let file = dir.join("file");
        disk.write_atomic(&file, b"one", Visibility::Private).unwrap();
        disk.replace_shredding(&file, b"two", Visibility::Private).unwrap();
        assert_eq!(disk.read(&file).unwrap(), b"two");
        let mut appended = disk.open_append(&file, Visibility::Private).unwrap();
        assert_eq!((appended.len(), appended.append(&[b" and", b" more"]).unwrap()), (3, 3));
        appended.sync().unwrap();
        let mut bytes = [0; 4];
        disk.open_read(&file).unwrap().read_exact_at(&mut bytes, 4).unwrap();
        assert_eq!(&bytes, b"and ");
        assert_eq!(disk.list(&dir).unwrap(), ["file"]);
        assert!(disk.exists(&file) && !disk.exists(&dir.join("other")));
        disk.shred(&file).unwrap();
        assert_eq!(disk.remove(&file).unwrap_err().kind(), io::ErrorKind::NotFound);
        let lock = lock_dir(&OwnFiles, &dir).unwrap();
        assert!(matches!(lock_dir(&OwnFiles, &dir), Err(LockError::Held { process: Some(_), .. })));
        drop(lock);
        lock_dir(&OwnFiles, &dir).unwrap();
    }
}
