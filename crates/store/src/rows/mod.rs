//! Rows: SQLite, and every statement that the store makes.
//!
//! Write-ahead log with `synchronous=FULL`: when a commit returns, the log is synced. The commit thread writes by
//! one connection, everything else reads by [a few](readers). Nothing temporary goes to disk, and deleted content is overwritten. What a failed
//! sync leaves behind is in [`wal`].

mod check;
mod readers;
mod wal;

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use terms::{AccountId, EpochId, HOME_FORMAT, OtherFormat};
use vault::SealedEpochKey;

use crate::encoding::bytes::Writer;
use crate::error::StoreError;

pub(crate) use readers::{Borrowed, Readers};

/// `PRAGMA application_id`: "Bail".
const APPLICATION: i64 = 0x4261_696c;

/// How many pages the WAL has before it is checkpointed: 16 MiB, so that a burst of deliveries is not interrupted each time.
pub(crate) const WAL_PAGES: u32 = 4096;

/// The size of a page, SQLite's default.
const PAGE_BYTES: i64 = 4096;

/// How many rows of `commits` are kept. A few thousand are enough to detect a loss, and take a few hundred kilobytes.
const COMMITS_KEPT: u64 = 4096;

/// How long to wait for a lock. Only this process has the file open and its readers do not block its writer; but an
/// operator's SQL shell may hold a lock for a moment.
const BUSY: std::time::Duration = std::time::Duration::from_secs(2);

/// How long one snapshot of the rows is read at most: while it is, the WAL grows. The largest account (a million messages, some 70
/// MB) takes a second from an old hard disk in order, and a few seconds out of order.
const SNAPSHOT_LIFE: Duration = Duration::from_secs(10);

/// One write of a batch.
pub(crate) enum Write {
    Account {
        account: i64,
        id: AccountId,
        sealed: Vec<u8>,
    },
    Address {
        hash: [u8; 32],
        account: i64,
    },
    /// An account's profile, replacing the previous one.
    Profile {
        account: i64,
        sealed: Vec<u8>,
    },
    /// An address's hash, under another key.
    Rehash {
        old: [u8; 32],
        new: [u8; 32],
    },
    Epoch {
        account: i64,
        epoch: EpochId,
        sealed: SealedEpochKey,
    },
    /// The sealed key of an epoch, replacing the previous one.
    ReplaceEpoch {
        account: i64,
        epoch: EpochId,
        sealed: SealedEpochKey,
    },
    Change {
        account: i64,
        seq: u64,
        sealed: Vec<u8>,
    },
    /// A fold: the changes up to `seq` become a snapshot.
    Snapshot {
        account: i64,
        seq: u64,
        sealed: Vec<u8>,
        blocks: Vec<SealedBlock>,
        gone: Vec<(u32, u32)>,
    },
}

/// A block of a snapshot: table, number, sealed rows.
pub(crate) type SealedBlock = (u32, u32, Vec<u8>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LastCommit {
    pub(crate) seq: u64,
    pub(crate) segment: u32,
    pub(crate) tail: u64,
}

/// The path of the database in a store's directory.
pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("rows.sqlite")
}

/// The commit thread's connection.
pub(crate) struct RowWriter {
    connection: Connection,
    last: LastCommit,
    /// What becomes the last commit in [`RowWriter::finish`].
    next: LastCommit,
}

/// A connection for reading.
pub(crate) struct RowReader(Connection);

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "foreign_keys", "OFF")?;
    // SQLite would not report whether a checkpoint succeeded: the commit thread runs them.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    // The space to which a long read lets the WAL grow is freed, so that the next opening does not rewrite all of it.
    connection.pragma_update(None, "journal_size_limit", i64::from(WAL_PAGES) * 2 * PAGE_BYTES)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

impl RowWriter {
    /// Opens the rows in `dir`, creating them if there are none, and checks the commit sequence.
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = path(dir);
        let cannot = |error: &dyn std::fmt::Display| StoreError::CannotOpen(format!("{}: {error}", path.display()));
        let failed = |error: &std::io::Error| match StoreError::writing(error) {
            StoreError::DiskFull => StoreError::DiskFull,
            _ => cannot(error),
        };
        // SQLite would make the file readable for the group; its WAL inherits the mode. An existing file is not
        // opened here: closing it would drop the locks of every connection of this process.
        if !path.exists() {
            let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
            file.and_then(|_| File::open(dir)?.sync_all()).map_err(|error| failed(&error))?;
        }
        wal::settle(&path).map_err(|error| failed(&error))?;
        let connection = connect(&path).map_err(|error| cannot(&error))?;
        let mut this = Self { connection, last: LastCommit::default(), next: LastCommit::default() };
        this.prepare().map_err(|error| match StoreError::rows(&error) {
            StoreError::DiskFull => StoreError::DiskFull,
            _ => cannot(&error),
        })??;
        // The WAL may just have been created, and an earlier one removed. SQLite does not report it if syncing that failed.
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| failed(&error))?;
        this.last = check::commits(&this.connection)?;
        Ok(this)
    }

    fn prepare(&mut self) -> rusqlite::Result<Result<(), StoreError>> {
        let connection = &mut self.connection;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let format: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok(match (application, format, tables) {
            (0, 0, 0) => {
                let transaction = connection.transaction()?;
                transaction.execute_batch(include_str!("schema.sql"))?;
                transaction.pragma_update(None, "application_id", APPLICATION)?;
                transaction.pragma_update(None, "user_version", HOME_FORMAT)?;
                transaction.commit()?;
                Ok(())
            }
            // A cross-check: `node.toml` says the same, and was read before.
            (APPLICATION, format, _) => OtherFormat::check(format).map_err(StoreError::OtherFormat),
            _ => Err(StoreError::CannotOpen("the database is not a store's".to_owned())),
        })
    }

    /// The last commit.
    pub(crate) fn last(&self) -> LastCommit {
        self.last
    }

    /// Begins a transaction and writes a batch into it. Nothing is durable yet: [`finish`](Self::finish) it, or [give it
    /// up](Self::give_up).
    pub(crate) fn draft(
        &mut self,
        writes: &[Write],
        heads: &[(i64, u64)],
        (segment, tail): (u32, u64),
    ) -> rusqlite::Result<()> {
        let seq = self.last.seq + 1;
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        writes.iter().try_for_each(|write| write.make(&self.connection))?;
        let mut list = Writer::default();
        for (account, head) in heads {
            list.number(*account as u64);
            list.number(*head);
        }
        self.connection
            .prepare_cached("INSERT INTO commits (seq, segment, tail, heads) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![seq as i64, segment, tail as i64, list.finish()])?;
        if seq.is_multiple_of(COMMITS_KEPT) && seq > COMMITS_KEPT {
            let gone = seq - COMMITS_KEPT;
            self.connection.execute("DELETE FROM commits WHERE seq <= ?1", [gone as i64])?;
        }
        self.next = LastCommit { seq, segment, tail };
        Ok(())
    }

    /// Commits what was [drafted](Self::draft). Durable when it returns. After an error it is not known whether the commit
    /// took place: reopen the rows to find out.
    pub(crate) fn finish(&mut self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.last = self.next;
        Ok(())
    }

    /// Rolls back what was drafted, if anything was.
    pub(crate) fn give_up(&self) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() { Ok(()) } else { self.connection.execute_batch("ROLLBACK") }
    }

    /// Commits a batch as one transaction. Durable when it returns. After an error it is not known whether the commit took
    /// place: reopen the rows to find out.
    pub(crate) fn commit(&mut self, writes: &[Write], heads: &[(i64, u64)], tail: (u32, u64)) -> rusqlite::Result<()> {
        self.draft(writes, heads, tail)?;
        self.finish()
    }
}

impl Write {
    fn make(&self, connection: &Connection) -> rusqlite::Result<()> {
        let run =
            |sql: &str, values: &[&dyn rusqlite::ToSql]| connection.prepare_cached(sql)?.execute(values).map(|_| ());
        match self {
            Self::Account { account, id, sealed } => {
                run("INSERT INTO accounts (account, id, sealed) VALUES (?1, ?2, ?3)", params![account, id.0, sealed])
            }
            Self::Address { hash, account } => {
                run("INSERT INTO addresses (hash, account) VALUES (?1, ?2)", params![hash, account])
            }
            Self::Profile { account, sealed } => {
                run("UPDATE accounts SET sealed = ?2 WHERE account = ?1", params![account, sealed])
            }
            Self::Rehash { old, new } => run("UPDATE addresses SET hash = ?2 WHERE hash = ?1", params![old, new]),
            // Several messages of a batch may be the first of their epoch.
            Self::Epoch { account, epoch, sealed } => run(
                "INSERT OR IGNORE INTO epochs (account, epoch, sealed) VALUES (?1, ?2, ?3)",
                params![account, epoch.0, sealed.0],
            ),
            Self::ReplaceEpoch { account, epoch, sealed } => run(
                "UPDATE epochs SET sealed = ?3 WHERE account = ?1 AND epoch = ?2",
                params![account, epoch.0, sealed.0],
            ),
            Self::Change { account, seq, sealed } => run(
                "INSERT INTO changes (account, seq, sealed) VALUES (?1, ?2, ?3)",
                params![account, *seq as i64, sealed],
            ),
            Self::Snapshot { account, seq, sealed, blocks, gone } => {
                run(
                    "INSERT OR REPLACE INTO snapshots (account, seq, sealed) VALUES (?1, ?2, ?3)",
                    params![account, *seq as i64, sealed],
                )?;
                for (table, number, sealed) in blocks {
                    run(
                        "INSERT OR REPLACE INTO blocks (account, mailbox, block, sealed) VALUES (?1, ?2, ?3, ?4)",
                        params![account, table, number, sealed],
                    )?;
                }
                for (table, number) in gone {
                    run(
                        "DELETE FROM blocks WHERE account = ?1 AND mailbox = ?2 AND block = ?3",
                        params![account, table, number],
                    )?;
                }
                run("DELETE FROM changes WHERE account = ?1 AND seq <= ?2", params![account, *seq as i64])
            }
        }
    }
}

/// An account's row: number, id, sealed profile.
pub(crate) type AccountRow = (i64, AccountId, Vec<u8>);

impl RowReader {
    /// Opens the rows for reading; the writer has already opened them.
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = path(dir);
        let cannot = |error: rusqlite::Error| StoreError::CannotOpen(format!("{}: {error}", path.display()));
        let connection = connect(&path).map_err(cannot)?;
        connection.pragma_update(None, "query_only", "ON").map_err(cannot)?;
        Ok(Self(connection))
    }

    /// Every account.
    pub(crate) fn accounts(&self) -> rusqlite::Result<Vec<AccountRow>> {
        let mut statement = self.0.prepare_cached("SELECT account, id, sealed FROM accounts ORDER BY account")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, AccountId(row.get(1)?), row.get(2)?)))?;
        rows.collect()
    }

    /// Every address: keyed hash, account.
    pub(crate) fn addresses(&self) -> rusqlite::Result<Vec<([u8; 32], i64)>> {
        let mut statement = self.0.prepare_cached("SELECT hash, account FROM addresses")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }

    /// The numbers of accounts with a row whose second byte, which is the number of the service key, is a different one.
    pub(crate) fn stale(&self, generation: u8) -> rusqlite::Result<Vec<i64>> {
        let sql = "SELECT account FROM accounts WHERE substr(sealed, 2, 1) <> ?1
             UNION SELECT account FROM changes WHERE substr(sealed, 2, 1) <> ?1
             UNION SELECT account FROM snapshots WHERE substr(sealed, 2, 1) <> ?1
             UNION SELECT account FROM blocks WHERE substr(sealed, 2, 1) <> ?1";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([&[generation][..]], |row| row.get(0))?;
        rows.collect()
    }

    /// The last epoch of an account; 0 if it has none.
    pub(crate) fn last_epoch(&self, account: i64) -> rusqlite::Result<u32> {
        let mut statement = self.0.prepare_cached("SELECT coalesce(max(epoch), 0) FROM epochs WHERE account = ?1")?;
        statement.query_row([account], |row| row.get(0))
    }

    /// The sealed key of one epoch.
    pub(crate) fn epoch(&self, account: i64, epoch: EpochId) -> rusqlite::Result<Option<SealedEpochKey>> {
        let mut statement = self.0.prepare_cached("SELECT sealed FROM epochs WHERE account = ?1 AND epoch = ?2")?;
        statement.query_row(params![account, epoch.0], |row| Ok(SealedEpochKey(row.get(0)?))).optional()
    }

    /// How many epochs an account has.
    pub(crate) fn epoch_count(&self, account: i64) -> rusqlite::Result<u32> {
        let mut statement = self.0.prepare_cached("SELECT count(*) FROM epochs WHERE account = ?1")?;
        statement.query_row(params![account], |row| row.get(0))
    }

    /// The sealed keys of all epochs of an account.
    pub(crate) fn epochs(&self, account: i64) -> rusqlite::Result<Vec<(EpochId, SealedEpochKey)>> {
        let mut statement = self.0.prepare_cached("SELECT epoch, sealed FROM epochs WHERE account = ?1")?;
        let rows =
            statement.query_map(params![account], |row| Ok((EpochId(row.get(0)?), SealedEpochKey(row.get(1)?))))?;
        rows.collect()
    }

    /// Runs `read` on one snapshot of the rows.
    pub(crate) fn at_one_moment<T>(&self, read: impl FnOnce(&Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // Dropping the transaction ends it; nothing was written.
        let _transaction = self.0.unchecked_transaction().map_err(|error| StoreError::reading(&error))?;
        read(self)
    }

    /// Keeps this connection's snapshot of the rows as of now, until it is dropped.
    pub(crate) fn hold_moment(&self) -> rusqlite::Result<()> {
        self.0.execute_batch("BEGIN")
    }

    /// The last commit, unchecked.
    pub(crate) fn last_commit(&self) -> rusqlite::Result<LastCommit> {
        let sql = "SELECT seq, segment, tail FROM commits ORDER BY seq DESC LIMIT 1";
        let row = |row: &rusqlite::Row<'_>| {
            let (seq, tail) = (row.get::<_, i64>(0)? as u64, row.get::<_, i64>(2)? as u64);
            Ok(LastCommit { seq, segment: row.get(1)?, tail })
        };
        Ok(self.0.query_row(sql, [], row).optional()?.unwrap_or_default())
    }

    /// The head of an account's snapshot, and the last change that it includes.
    pub(crate) fn snapshot(&self, account: i64) -> rusqlite::Result<Option<(u64, Vec<u8>)>> {
        let mut statement = self.0.prepare_cached("SELECT seq, sealed FROM snapshots WHERE account = ?1")?;
        statement.query_row([account], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?))).optional()
    }

    pub(crate) fn block(&self, account: i64, table: u32, number: u32) -> rusqlite::Result<Option<Vec<u8>>> {
        let sql = "SELECT sealed FROM blocks WHERE account = ?1 AND mailbox = ?2 AND block = ?3";
        self.0.prepare_cached(sql)?.query_row(params![account, table, number], |row| row.get(0)).optional()
    }

    /// The sealed blocks of an account by table and number.
    ///
    /// # Errors
    /// [`StoreError::TooSlow`] when it takes longer than a snapshot of the rows may be held.
    pub(crate) fn blocks(&self, account: i64) -> Result<HashMap<(u32, u32), Vec<u8>>, StoreError> {
        let read = |error: rusqlite::Error| StoreError::reading(&error);
        let sql = "SELECT mailbox, block, sealed FROM blocks WHERE account = ?1";
        let mut statement = self.0.prepare_cached(sql).map_err(read)?;
        let mut rows = statement.query([account]).map_err(read)?;
        let (mut blocks, until) = (HashMap::new(), Instant::now() + SNAPSHOT_LIFE);
        while let Some(row) = rows.next().map_err(read)? {
            let block = |row: &rusqlite::Row<'_>| Ok(((row.get(0)?, row.get(1)?), row.get(2)?));
            let (place, sealed) = block(row).map_err(read)?;
            blocks.insert(place, sealed);
            if Instant::now() > until {
                return Err(StoreError::TooSlow);
            }
        }
        Ok(blocks)
    }

    /// The existing blocks: table and number.
    pub(crate) fn block_keys(&self, account: i64) -> rusqlite::Result<Vec<(u32, u32)>> {
        let mut statement = self.0.prepare_cached("SELECT mailbox, block FROM blocks WHERE account = ?1")?;
        let rows = statement.query_map([account], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }

    /// The changes of an account, in order.
    pub(crate) fn changes(&self, account: i64) -> rusqlite::Result<Vec<(u64, Vec<u8>)>> {
        let mut statement = self.0.prepare_cached("SELECT seq, sealed FROM changes WHERE account = ?1 ORDER BY seq")?;
        let rows = statement.query_map([account], |row| Ok((row.get::<_, i64>(0)? as u64, row.get(1)?)))?;
        rows.collect()
    }

    /// What SQLite itself finds wrong with its file; empty if nothing.
    pub(crate) fn faults(&self) -> rusqlite::Result<Vec<String>> {
        let mut statement = self.0.prepare("PRAGMA quick_check")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.filter(|row| row.as_deref() != Ok("ok")).collect()
    }

    /// Checks the commit sequence and the heads that it names.
    pub(crate) fn check_commits(&self) -> Result<LastCommit, StoreError> {
        check::commits(&self.0)
    }
}
