-- The rows of a store (docs/formats/store.md says what each sealed column holds).
--
-- What is unencrypted here is counters and random values: no address, no name, no time, nothing of a message.

-- One row per commit. The numbers have no gap from the first row to the last; every 4,096 commits all but the
-- last 4,096 rows are deleted, so that the first number is 1, or one more than a multiple of 4,096.
CREATE TABLE commits (
    seq     INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL,   -- the pack segment that grew last; 0 when none did
    tail    INTEGER NOT NULL,   -- how many of its bytes are acknowledged
    heads   BLOB NOT NULL       -- for each account touched: its number and its last change, as LEB128
) STRICT;

-- An account: its number here, its random id, its sealed profile.
CREATE TABLE accounts (
    account INTEGER PRIMARY KEY,
    id      BLOB NOT NULL UNIQUE,
    sealed  BLOB NOT NULL
) STRICT;

-- Who an address belongs to, by keyed hash of its canonical form.
CREATE TABLE addresses (
    hash    BLOB PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts
) STRICT, WITHOUT ROWID;

-- The key of an epoch, sealed to the account's public key.
CREATE TABLE epochs (
    account INTEGER NOT NULL REFERENCES accounts,
    epoch   INTEGER NOT NULL,
    sealed  BLOB NOT NULL,
    PRIMARY KEY (account, epoch)
) STRICT, WITHOUT ROWID;

-- The changes of an account since its snapshot, counted without a gap.
CREATE TABLE changes (
    account INTEGER NOT NULL REFERENCES accounts,
    seq     INTEGER NOT NULL,
    sealed  BLOB NOT NULL,
    PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;

-- The snapshot of an account: its head, as of change `seq`, …
CREATE TABLE snapshots (
    account INTEGER PRIMARY KEY REFERENCES accounts,
    seq     INTEGER NOT NULL,
    sealed  BLOB NOT NULL
) STRICT;

-- … and the blocks of its tables; mailbox 0 is the table of messages.
CREATE TABLE blocks (
    account INTEGER NOT NULL REFERENCES accounts,
    mailbox INTEGER NOT NULL,
    block   INTEGER NOT NULL,
    sealed  BLOB NOT NULL,
    PRIMARY KEY (account, mailbox, block)
) STRICT;
