//! A message on the pair of sockets between a node and its vault: length (4), number (8), bytes.
//!
//! The number is the asker's and comes back with the answer; 0 wants none. Bytes are read into memory that is wiped, and
//! never through a buffer that would keep them.

use std::io::{self, Read, Write};

use zeroize::Zeroizing;

/// Bytes before the message.
pub const HEAD_LEN: usize = 4 + 8;

/// The longest message: 256 MiB. The longest that a node sends is one message of mail to be hashed in an import
/// (`PART_BYTES_MAX` of the store); anything that claims to be longer is not a message.
const MESSAGE_LEN_MAX: u32 = 256 * 1024 * 1024;

/// Writes a frame, whose head is filled in here.
///
/// # Errors
/// `InvalidInput` for a message that is too long; the stream's own.
pub fn write(to: &mut impl Write, number: u64, mut frame: Zeroizing<Vec<u8>>) -> io::Result<()> {
    let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "a message between node and vault is too long");
    let len = frame.len().checked_sub(HEAD_LEN).and_then(|len| u32::try_from(len).ok());
    let len = len.filter(|len| *len <= MESSAGE_LEN_MAX).ok_or_else(too_long)?;
    frame[..4].copy_from_slice(&len.to_be_bytes());
    frame[4..HEAD_LEN].copy_from_slice(&number.to_be_bytes());
    to.write_all(&frame)
}

/// Reads a frame: its number and its message. `None` at the end of the stream.
///
/// # Errors
/// `InvalidData` for a length that no message has; the stream's own.
pub fn read(from: &mut impl Read) -> io::Result<Option<(u64, Zeroizing<Vec<u8>>)>> {
    let mut head = [0; HEAD_LEN];
    match from.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let [a, b, c, d, number @ ..] = head;
    let len = u32::from_be_bytes([a, b, c, d]);
    if len > MESSAGE_LEN_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no message between node and vault is so long"));
    }
    // Taken as it comes: a length that lies takes no memory.
    let mut message = Zeroizing::new(vec![0; 0]);
    message.reserve_exact((len as usize).min(PIECE_LEN));
    while message.len() < len as usize {
        let at = message.len();
        let piece = (len as usize - at).min(PIECE_LEN);
        if message.capacity() - at < piece {
            let mut grown =
                Zeroizing::new(Vec::with_capacity((2 * message.capacity()).max(at + piece).min(len as usize)));
            grown.extend_from_slice(&message);
            message = grown;
        }
        message.resize(at + piece, 0);
        from.read_exact(&mut message[at..])?;
    }
    Ok(Some((u64::from_be_bytes(number), message)))
}

/// How much is read at once.
const PIECE_LEN: usize = 1 << 20;
