//! How much a client may ask for, and why that much.

/// A command without its APPEND message, once signed in. RFC 2683 section 3.2.1.5 asks for 8,000 octets; clients that
/// list UIDs one by one go far beyond, and Dovecot's `imap_max_line_length` has been 64 KiB for twenty years.
pub const COMMAND_BYTES_MAX: usize = 64 * 1024;

/// A command before sign-in: a LOGIN with two literals fits many times over, and a stranger gets no more memory.
pub const COMMAND_BEFORE_SIGN_IN_BYTES_MAX: usize = 8 * 1024;

/// A non-synchronizing literal before sign-in, where LITERAL- is what we offer (RFC 7888 section 5).
pub const LITERAL_MINUS_BYTES_MAX: u64 = 4096;

/// A non-synchronizing literal that is refused is read and thrown away up to this size, so that the client gets an
/// answer (RFC 7888 section 4, choice 1). Beyond it the connection closes (choice 2). 256 MiB is ten times what
/// providers take as a message.
pub const LITERAL_DISCARD_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Data items of one FETCH. Web mailers ask for the MIME header of each part by name; 256 parts are beyond any they do.
pub const FETCH_ITEMS_MAX: usize = 256;

/// Field names in one HEADER.FIELDS. mutt asks for about 20.
pub const HEADER_FIELDS_MAX: usize = 256;

/// How deep search keys may nest: the parser and the evaluation recurse. Clients join terms with OR as a chain, and some
/// do so for a few dozen words; at some hundred octets of stack a level, 256 levels are far from a thread's 2 MiB.
pub const SEARCH_DEPTH_MAX: usize = 256;

/// Strings that one SEARCH looks for: each is looked for in every message that the others leave. Clients look for each of a
/// few dozen words in up to five fields; a chain of OR stops at as many by [`SEARCH_DEPTH_MAX`].
pub const SEARCH_STRINGS_MAX: usize = 256;

/// Octets of one LIST pattern: longer than any mailbox name here.
pub const PATTERN_BYTES_MAX: usize = 2 * 1024;

/// Wildcards of one LIST pattern: matching costs their number times the name's length.
pub const PATTERN_WILDCARDS_MAX: usize = 16;

/// Patterns of one LIST command (RFC 5258 section 3).
pub const PATTERNS_MAX: usize = 64;

/// Octets of a mailbox name in UTF-8, all levels together. File systems stop at 255 for a level; four of those.
pub const MAILBOX_NAME_BYTES_MAX: usize = 1024;

/// Octets of a keyword. The longest registered one (RFC 5788) has 16.
pub const KEYWORD_BYTES_MAX: usize = 128;

/// Keywords in one flag list.
pub const KEYWORDS_MAX: usize = 64;

/// Keywords that a FLAGS response names. It is said whole whenever one comes to them, so that without an end a mailbox in
/// which every message has keywords of its own costs the square of them. Cyrus has 128 in a mailbox (`MAX_USER_FLAGS`).
pub const KEYWORDS_TOLD_MAX: usize = 512;

/// Commands in a row that are no IMAP, before sign-in: a browser or a mail client of another protocol shows in three.
pub const BAD_BEFORE_SIGN_IN_MAX: u32 = 3;

/// Commands in a row that are no IMAP, once signed in: a client in a loop costs us, a client with a flaw does not do
/// fifty in a row.
pub const BAD_MAX: u32 = 50;

/// Failed sign-ins on one connection. People mistype twice.
pub const SIGN_IN_FAILURES_MAX: u32 = 3;

/// A line of SASL in base64. RFC 4616 section 2: three fields of 255 octets each; 12,288 octets is what RFC 4954
/// section 4 gives the same exchange in SMTP.
pub const SASL_LINE_BYTES_MAX: usize = 12_288;

/// Bytes that one [`Step::Write`](crate::Step::Write) carries, more or less: enough for a full TLS record or four.
pub const WRITE_BYTES: usize = 64 * 1024;
