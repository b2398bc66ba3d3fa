//! Is every commit still there? A gap, or an account that is behind what a commit says, is a loss.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::{COMMITS_KEPT, LastCommit};
use crate::encoding::bytes::Reader;
use crate::error::StoreError;

/// Checks the rows of `commits`; returns the last.
pub(super) fn commits(connection: &Connection) -> Result<LastCommit, StoreError> {
    let read = |error: rusqlite::Error| StoreError::reading(&error);
    let mut last = LastCommit::default();
    let mut heads: BTreeMap<i64, u64> = BTreeMap::new();
    let mut statement =
        connection.prepare("SELECT seq, segment, tail, heads FROM commits ORDER BY seq").map_err(read)?;
    let mut rows = statement.query([]).map_err(read)?;
    let mut first = true;
    while let Some(row) = rows.next().map_err(read)? {
        let seq = row.get::<_, i64>(0).map_err(read)? as u64;
        let follows =
            if first { (seq.saturating_sub(1)).is_multiple_of(COMMITS_KEPT) && seq > 0 } else { seq == last.seq + 1 };
        if !follows {
            return Err(StoreError::Damaged(format!("commits are missing before number {seq}")));
        }
        first = false;
        last = LastCommit { seq, segment: row.get(1).map_err(read)?, tail: row.get::<_, i64>(2).map_err(read)? as u64 };
        let list: Vec<u8> = row.get(3).map_err(read)?;
        collect_heads(&list, &mut heads)
            .ok_or_else(|| StoreError::Damaged(format!("commit {seq} names no accounts")))?;
    }
    if first {
        let accounts: i64 =
            connection.query_row("SELECT count(*) FROM accounts", [], |row| row.get(0)).map_err(read)?;
        if accounts > 0 {
            return Err(StoreError::Damaged("every commit is missing".to_owned()));
        }
    }
    for (account, head) in heads {
        let there = account_head(connection, account).map_err(read)?;
        if there < head {
            return Err(StoreError::Damaged(format!("changes of account number {account} are missing up to {head}")));
        }
        // Continuing would cut the segment where an earlier commit ended, and lose acknowledged mail.
        if there > head {
            return Err(StoreError::Damaged(format!(
                "account number {account} has changes up to {there} and the commits tell of {head}: the last commits are \
                 missing"
            )));
        }
    }
    Ok(last)
}

fn collect_heads(list: &[u8], heads: &mut BTreeMap<i64, u64>) -> Option<()> {
    let mut input = Reader::new(list);
    while !input.is_empty() {
        let (account, head) = (input.number().ok()?, input.number().ok()?);
        heads.insert(i64::try_from(account).ok()?, head);
    }
    Some(())
}

/// The last change of an account on disk, in the log or folded.
fn account_head(connection: &Connection, account: i64) -> rusqlite::Result<u64> {
    let mut logged = connection.prepare_cached("SELECT max(seq) FROM changes WHERE account = ?1")?;
    let logged: Option<i64> = logged.query_row(params![account], |row| row.get(0))?;
    let mut folded = connection.prepare_cached("SELECT seq FROM snapshots WHERE account = ?1")?;
    let folded: Option<i64> = folded.query_row(params![account], |row| row.get(0)).optional()?;
    Ok(logged.max(folded).unwrap_or(0) as u64)
}
