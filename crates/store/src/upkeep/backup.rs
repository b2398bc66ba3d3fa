//! A copy of the store as of one moment, while it keeps working; and a store restored from such a copy (docs/formats/backup.md).
//!
//! Rows are handed out in *pieces*, of one account each, which stay identical as long as their rows do: a caller that stores
//! pieces by digest copies only what is new. Segments only grow, so copying one continues where it last ended.
//! Nothing is opened in the process: what is sealed stays sealed.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use durable::ReadAt;
use terms::{AccountId, EpochId};
use vault::{SealedEpochKey, Vault};

use crate::account::change::ChangeKind;
use crate::account::decide;
use crate::encoding::bytes::{Malformed, Reader, Writer};
use crate::engine::accounts::AccountRecord;
use crate::engine::state::{Engine, Moment, context};
use crate::error::StoreError;
use crate::pack::Era;
use crate::rows::{AccountRow, LastCommit, RowReader, RowWriter, SealedBlock, WAL_PAGES, Write};
use crate::store::Store;

/// What a piece begins with.
const MAGIC: &[u8] = b"bailiwick rows\n\x01";

/// Epochs in one piece: at a hundred bytes each, a hundred kilobytes.
const EPOCHS_IN_PIECE: u32 = 1024;

/// Blocks in one piece: 16,384 messages, a few hundred kilobytes.
const BLOCKS_IN_PIECE: u32 = 64;

/// The kinds of records in a piece.
mod kind {
    pub(super) const ACCOUNT: u8 = 1;
    pub(super) const ADDRESS: u8 = 2;
    pub(super) const EPOCH: u8 = 3;
    pub(super) const SNAPSHOT: u8 = 4;
    pub(super) const BLOCK: u8 = 5;
    pub(super) const CHANGE: u8 = 6;
}

/// The store as of one moment. Until [`rows_are_taken`](Self::rows_are_taken), the WAL of the rows cannot be checkpointed: copy the rows
/// first.
pub struct Backup {
    /// In this order, so that the connection is closed before the WAL may be checkpointed.
    rows: Option<(RowReader, Moment)>,
    last: LastCommit,
    accounts: Vec<AccountRow>,
    addresses: Vec<([u8; 32], i64)>,
    segments: Vec<BackupSegment>,
    /// As long as it exists, no segment that these rows refer to is removed.
    _era: Arc<Era>,
}

/// A segment at that moment.
#[allow(missing_docs, reason = "the names say it")]
pub struct BackupSegment {
    pub number: u32,
    /// How many of its bytes are to be copied. These never change.
    pub len: u64,
    file: Arc<dyn ReadAt>,
}

impl BackupSegment {
    /// Reads at an offset.
    ///
    /// # Errors
    /// The disk's.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

impl Store {
    /// The store as it is now: everything that was acknowledged before this call, and nothing partially.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when rows or segments cannot be read; this includes a segment removed meanwhile, so
    /// a second attempt is worthwhile.
    pub fn backup(&self) -> Result<Backup, StoreError> {
        Backup::of(&self.engine)
    }

    /// Gives every mailbox of an account a new UIDVALIDITY, higher than any that it had: after a restore, a client
    /// may know messages by UIDs that now belong to others. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`], and those of writing.
    pub fn renumber(&self, account: AccountId) -> Result<(), StoreError> {
        self.run(0, move |draft| {
            let now = draft.now();
            let uid_validity = decide::renumber(draft.state(account)?, now)?;
            draft.change(account, ChangeKind::Renumber { uid_validity }, true).map(|_| ())
        })
    }
}

impl Backup {
    fn of(engine: &Engine) -> Result<Self, StoreError> {
        let read = |error: rusqlite::Error| StoreError::reading(&error);
        let era = engine.compaction.era();
        let moment = engine.moment();
        let rows = RowReader::open(&engine.dir)?;
        rows.hold_moment().map_err(read)?;
        let last = rows.last_commit().map_err(read)?;
        let (accounts, addresses) = (rows.accounts().map_err(read)?, rows.addresses().map_err(read)?);
        let mut segments = Vec::new();
        let numbers = engine.packs.segments().map_err(|error| StoreError::writing(&error))?;
        // A segment above the last acknowledged one has nothing that a row refers to.
        for number in numbers.into_iter().filter(|number| *number <= last.segment) {
            let damaged = |error: io::Error| StoreError::Damaged(format!("segment {number}: {error}"));
            let file = engine.packs.reader(number).map_err(damaged)?;
            let len = file.len().map_err(damaged)?;
            let len = if number == last.segment { len.min(last.tail) } else { len };
            segments.push(BackupSegment { number, len, file });
        }
        Ok(Self { rows: Some((rows, moment)), last, accounts, addresses, segments, _era: era })
    }

    /// How many commits the store had had.
    pub fn commits(&self) -> u64 {
        self.last.seq
    }

    /// The segment that grew last, and how many of its bytes are acknowledged.
    pub fn tail(&self) -> (u32, u64) {
        (self.last.segment, self.last.tail)
    }

    /// The segments, ascending.
    pub fn segments(&self) -> &[BackupSegment] {
        &self.segments
    }

    /// The accounts, in the order in which they were created.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> + '_ {
        self.accounts.iter().map(|(_, id, _)| *id)
    }

    /// Releases the rows: [`pieces`](Self::pieces) returns nothing more. The segments stay, and may take long to copy.
    pub fn rows_are_taken(&mut self) {
        self.rows = None;
    }

    /// The rows of an account in pieces, sealed as they are.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Damaged`]; [`StoreError::Closed`] when the rows were released.
    pub fn pieces(&self, account: AccountId) -> Result<Vec<Vec<u8>>, StoreError> {
        let (rows, _) = self.rows.as_ref().ok_or(StoreError::Closed)?;
        let read = |error: rusqlite::Error| StoreError::reading(&error);
        let (number, id, sealed) =
            self.accounts.iter().find(|(_, id, _)| *id == account).ok_or(StoreError::NoSuchAccount)?;
        let mut head = Piece::default();
        head.put(kind::ACCOUNT, &[*number as u64], &[&id.0, sealed]);
        for (hash, _) in self.addresses.iter().filter(|(_, of)| of == number) {
            head.put(kind::ADDRESS, &[], &[hash]);
        }
        if let Some((seq, sealed)) = rows.snapshot(*number).map_err(read)? {
            head.put(kind::SNAPSHOT, &[seq], &[&sealed]);
        }
        for (seq, sealed) in rows.changes(*number).map_err(read)? {
            head.put(kind::CHANGE, &[seq], &[&sealed]);
        }
        let mut groups: BTreeMap<(u8, u32, u32), Piece> = BTreeMap::new();
        let mut epochs = rows.epochs(*number).map_err(read)?;
        epochs.sort_unstable_by_key(|(epoch, _)| *epoch);
        for (epoch, key) in epochs {
            let piece = groups.entry((kind::EPOCH, 0, epoch.0 / EPOCHS_IN_PIECE)).or_default();
            piece.put(kind::EPOCH, &[epoch.0.into()], &[&key.0]);
        }
        let mut blocks = rows.block_keys(*number).map_err(read)?;
        blocks.sort_unstable();
        for (table, block) in blocks {
            let Some(sealed) = rows.block(*number, table, block).map_err(read)? else { continue };
            let piece = groups.entry((kind::BLOCK, table, block / BLOCKS_IN_PIECE)).or_default();
            piece.put(kind::BLOCK, &[table.into(), block.into()], &[&sealed]);
        }
        Ok([head].into_iter().chain(groups.into_values()).map(Piece::finish).collect())
    }
}

/// A piece being built.
struct Piece(Vec<u8>);

impl Default for Piece {
    fn default() -> Self {
        Self(MAGIC.to_vec())
    }
}

impl Piece {
    /// `record = length (4) | CRC-32C (4) | kind (1) | number … | bytes`
    fn put(&mut self, kind: u8, numbers: &[u64], bytes: &[&[u8]]) {
        let mut body = Writer::default();
        body.byte(kind);
        numbers.iter().for_each(|number| body.number(*number));
        bytes.iter().for_each(|some| body.raw(some));
        let body = body.finish();
        self.0.extend_from_slice(&(body.len() as u32).to_be_bytes());
        self.0.extend_from_slice(&crc32c::crc32c(&body).to_be_bytes());
        self.0.extend_from_slice(&body);
    }

    fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// The contents of one account's pieces.
#[derive(Default)]
struct AccountRows {
    account: Option<(i64, AccountId, Vec<u8>)>,
    addresses: Vec<[u8; 32]>,
    epochs: Vec<(EpochId, SealedEpochKey)>,
    snapshot: Option<(u64, Vec<u8>)>,
    blocks: Vec<SealedBlock>,
    changes: Vec<(u64, Vec<u8>)>,
}

impl AccountRows {
    /// Reads pieces. Anything that is not as it was written is `Malformed`: an account is restored completely or from an older copy.
    fn read(pieces: &[Vec<u8>]) -> Result<Self, Malformed> {
        let mut rows = Self::default();
        for piece in pieces {
            let mut rest = piece.strip_prefix(MAGIC).ok_or(Malformed)?;
            while !rest.is_empty() {
                let (len, after) = rest.split_first_chunk::<4>().ok_or(Malformed)?;
                let (sum, after) = after.split_first_chunk::<4>().ok_or(Malformed)?;
                let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| Malformed)?;
                let (body, after) = after.split_at_checked(len).ok_or(Malformed)?;
                if crc32c::crc32c(body) != u32::from_be_bytes(*sum) {
                    return Err(Malformed);
                }
                rows.take(body)?;
                rest = after;
            }
        }
        Ok(rows)
    }

    fn take(&mut self, body: &[u8]) -> Result<(), Malformed> {
        let mut input = Reader::new(body);
        match input.byte()? {
            kind::ACCOUNT => {
                let number = i64::try_from(input.number()?).map_err(|_| Malformed)?;
                let id = AccountId(input.id()?);
                self.account = Some((number, id, input.rest().to_vec()));
            }
            kind::ADDRESS => self.addresses.push(input.rest().try_into().map_err(|_| Malformed)?),
            kind::EPOCH => {
                let epoch = EpochId(input.small()?);
                self.epochs.push((epoch, SealedEpochKey(input.rest().to_vec())));
            }
            kind::SNAPSHOT => self.snapshot = Some((input.number()?, input.rest().to_vec())),
            kind::BLOCK => self.blocks.push((input.small()?, input.small()?, input.rest().to_vec())),
            kind::CHANGE => self.changes.push((input.number()?, input.rest().to_vec())),
            _ => return Err(Malformed),
        }
        Ok(())
    }
}

/// The sealed profile in an account's pieces; `None` if they have none that can be opened.
///
/// # Errors
/// [`StoreError::VaultAway`].
pub fn profile_in(vault: &Vault, id: AccountId, pieces: &[Vec<u8>]) -> Result<Option<Vec<u8>>, StoreError> {
    let Ok(AccountRows { account: Some((_, of, sealed)), .. }) = AccountRows::read(pieces) else { return Ok(None) };
    match vault.service_open(&context::account(id), &sealed) {
        Ok(plain) => Ok((of == id && AccountRecord::parse(id, &plain).is_some()).then_some(sealed)),
        Err(error) if error.is_temporary() => Err(StoreError::VaultAway),
        Err(_) => Ok(None),
    }
}

/// The rows of a store being restored.
pub struct RowRestorer {
    rows: RowWriter,
    tail: (u32, u64),
}

impl RowRestorer {
    /// Begins the rows of a store in `dir`, which has none. `tail` comes from [`Backup::tail`].
    ///
    /// # Errors
    /// [`StoreError::CannotOpen`], also if there are rows already.
    pub fn create(dir: &Path, tail: (u32, u64)) -> Result<Self, StoreError> {
        let rows = RowWriter::open(dir)?;
        if rows.last().seq > 0 {
            return Err(StoreError::CannotOpen("there is a store already".to_owned()));
        }
        Ok(Self { rows, tail })
    }

    /// Writes the rows of an account, all of them or none; `profile`, if given, comes from
    /// [`profile_in`], perhaps from another copy. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the pieces are not what [`Backup::pieces`] returned for this account; [`StoreError::DiskFull`],
    /// [`StoreError::NotStored`].
    pub fn account(&mut self, id: AccountId, pieces: &[Vec<u8>], profile: Option<Vec<u8>>) -> Result<(), StoreError> {
        let damaged = || StoreError::Damaged(format!("the rows of account {id} in this copy"));
        let AccountRows { account, addresses, epochs, snapshot, blocks, changes } =
            AccountRows::read(pieces).map_err(|Malformed| damaged())?;
        let Some((account, of, sealed)) = account.filter(|(_, of, _)| *of == id) else { return Err(damaged()) };
        let sealed = profile.unwrap_or(sealed);
        let folded = snapshot.as_ref().map_or(0, |(seq, _)| *seq);
        let head = changes.iter().map(|(seq, _)| *seq).max().unwrap_or(folded);
        if head != folded + changes.len() as u64 {
            return Err(damaged());
        }
        let mut writes = vec![Write::Account { account, id: of, sealed }];
        writes.extend(addresses.into_iter().map(|hash| Write::Address { hash, account }));
        writes.extend(epochs.into_iter().map(|(epoch, sealed)| Write::Epoch { account, epoch, sealed }));
        if let Some((seq, sealed)) = snapshot {
            writes.push(Write::Snapshot { account, seq, sealed, blocks, gone: Vec::new() });
        }
        writes.extend(changes.into_iter().map(|(seq, sealed)| Write::Change { account, seq, sealed }));
        let mut commit = || {
            self.rows.commit(&writes, &[(account, head)], self.tail)?;
            if self.rows.wal_pages()? < WAL_PAGES.into() { Ok(()) } else { self.rows.checkpoint() }
        };
        commit().map_err(|error| StoreError::rows(&error))
    }

    /// Brings the rows into one file. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::NotStored`].
    pub fn finish(self) -> Result<(), StoreError> {
        self.rows.truncate_wal().map_err(|error| StoreError::rows(&error))
    }
}
