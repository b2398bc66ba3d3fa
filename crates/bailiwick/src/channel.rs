//! Messages on a pair of sockets between two processes of a node, with open files beside them (`SCM_RIGHTS`, unix(7)).
//!
//! A message is a head (number, lengths, how many files), a value in JSON, and bytes. The number is the asker's and comes back with the
//! answer. What is read is not trusted: a length that no message has ends the conversation, and memory is taken as it comes.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use terms::Secret;

/// Number (8), length of the value (4), length of the bytes (4), number of files (1).
const HEAD_LEN: usize = 8 + 4 + 4 + 1;

/// The longest value: a list of everything that a large node has.
const VALUE_LEN_MAX: usize = 64 << 20;

/// The longest bytes: a piece of a backup.
const BYTES_LEN_MAX: usize = 1 << 30;

/// Files beside one message: what a node's own process is started with.
const FILES_MAX: usize = 16;

/// How much is read at once.
const PIECE_LEN: usize = 1 << 20;

/// A message as it came.
pub(crate) struct Message {
    pub(crate) number: u64,
    value: Secret<Vec<u8>>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) files: Vec<OwnedFd>,
}

impl Message {
    /// Its value.
    ///
    /// # Errors
    /// `InvalidData`: it is another one.
    pub(crate) fn value<T: DeserializeOwned>(&self) -> io::Result<T> {
        serde_json::from_slice(self.value.expose()).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

/// Sends a message.
///
/// # Errors
/// The socket's; `InvalidInput` for a message that is too long.
pub(crate) fn send(
    mut to: &UnixStream,
    number: u64,
    value: &impl Serialize,
    bytes: &[u8],
    files: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let value = Secret::new(serde_json::to_vec(value).map_err(io::Error::other)?);
    if value.expose().len() > VALUE_LEN_MAX || bytes.len() > BYTES_LEN_MAX || files.len() > FILES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a message between processes of a node is too long"));
    }
    let mut head = Vec::with_capacity(HEAD_LEN);
    head.extend_from_slice(&number.to_be_bytes());
    head.extend_from_slice(&(value.expose().len() as u32).to_be_bytes());
    head.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    head.push(files.len() as u8);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES_MAX))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let sent = loop {
        match sendmsg(to.as_fd(), &[IoSlice::new(&head)], &mut beside, SendFlags::NOSIGNAL) {
            Err(rustix::io::Errno::INTR) => {}
            sent => break sent?,
        }
    };
    to.write_all(&head[sent..])?;
    to.write_all(value.expose())?;
    to.write_all(bytes)
}

/// Waits for a message. `None` at the end of the conversation.
///
/// # Errors
/// The socket's; `InvalidData` for what is not a message.
pub(crate) fn receive(mut from: &UnixStream) -> io::Result<Option<Message>> {
    let mut head = [0; HEAD_LEN];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES_MAX))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let first = loop {
        match recvmsg(from.as_fd(), &mut [IoSliceMut::new(&mut head)], &mut beside, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            received => break received?.bytes,
        }
    };
    if first == 0 {
        return Ok(None);
    }
    let mut files = Vec::new();
    for message in beside.drain() {
        if let RecvAncillaryMessage::ScmRights(came) = message {
            files.extend(came);
        }
    }
    from.read_exact(&mut head[first..])?;
    let [a, b, c, d, e, f, g, h, v0, v1, v2, v3, b0, b1, b2, b3, count] = head;
    let (value, bytes) = (u32::from_be_bytes([v0, v1, v2, v3]), u32::from_be_bytes([b0, b1, b2, b3]));
    if value as usize > VALUE_LEN_MAX || bytes as usize > BYTES_LEN_MAX || files.len() != usize::from(count) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "this is not a message between processes of a node"));
    }
    let value = Secret::new(read(from, value as usize)?);
    let bytes = read(from, bytes as usize)?;
    Ok(Some(Message { number: u64::from_be_bytes([a, b, c, d, e, f, g, h]), value, bytes, files }))
}

/// Reads so many bytes, taking memory as they come.
fn read(mut from: &UnixStream, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < len {
        let at = bytes.len();
        bytes.resize((at + PIECE_LEN).min(len), 0);
        from.read_exact(&mut bytes[at..])?;
    }
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
mod tests {
    use std::fs::File;
    use std::io::Seek;

    use super::*;

    #[test]
    fn a_message_comes_with_its_files() {
        let (one, other) = UnixStream::pair().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"in the file").unwrap();
        let bytes = vec![7; 3 * PIECE_LEN + 1];
        let sent = bytes.clone();
        let sender = std::thread::spawn(move || {
            send(&one, 5, &("value", 1), &sent, &[file.as_fd(), one.as_fd()]).unwrap();
            send(&one, 6, &"no files", &[], &[]).unwrap();
        });
        let message = receive(&other).unwrap().unwrap();
        assert_eq!(message.value::<(String, u32)>().unwrap(), ("value".to_owned(), 1));
        assert!(message.number == 5 && message.bytes == bytes && message.files.len() == 2);
        let mut file = File::from(message.files.into_iter().next().unwrap());
        file.rewind().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "in the file");
        let message = receive(&other).unwrap().unwrap();
        assert_eq!((message.number, message.value::<String>().unwrap().as_str()), (6, "no files"));
        sender.join().unwrap();
        assert!(receive(&other).unwrap().is_none());
    }

    #[test]
    fn what_is_not_a_message_takes_no_memory() {
        for head in [[0xff; HEAD_LEN].to_vec(), b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![0; 3]] {
            let (mut one, other) = UnixStream::pair().unwrap();
            one.write_all(&head).unwrap();
            drop(one);
            assert!(receive(&other).is_err());
        }
    }
}
