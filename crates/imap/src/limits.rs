//! Limits on what a client may send, and the reasons for them.

/// A command without its APPEND message, after sign-in. RFC 2683 section 3.2.1.5 recommends 8,000 octets; clients that
/// list UIDs one by one far exceed that, and Dovecot's `imap_max_line_length` has long been 64 KiB.
pub const COMMAND_BYTES_MAX: usize = 64 * 1024;

/// A command before sign-in: ample for a LOGIN with two literals, and the most memory that a stranger gets.
pub const COMMAND_BEFORE_SIGN_IN_BYTES_MAX: usize = 8 * 1024;

/// A non-synchronizing literal before sign-in, when we offer LITERAL- (RFC 7888 section 5).
pub const LITERAL_MINUS_BYTES_MAX: u64 = 4096;

/// A refused non-synchronizing literal is read and discarded up to this size, so that the client gets an answer
/// (RFC 7888 section 4, choice 1). Beyond it the connection is closed (choice 2). 256 MiB is ten times the size of message
/// that most providers accept.
pub const LITERAL_DISCARD_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Data items of one FETCH. Webmail clients ask for the MIME header of each part by name; 256 exceeds any they request.
pub const FETCH_ITEMS_MAX: usize = 256;

/// Field names in one HEADER.FIELDS. mutt requests about 20.
pub const HEADER_FIELDS_MAX: usize = 256;

/// The nesting depth of search keys: the parser and the evaluation recurse. Some clients chain a few dozen words with
/// OR; at a few hundred bytes of stack per level, 256 levels are far from a thread's 2 MiB.
pub const SEARCH_DEPTH_MAX: usize = 256;

/// Strings in one SEARCH, each of which may be searched for in every message. Clients search for a few dozen words in
/// up to five fields; [`SEARCH_DEPTH_MAX`] limits a chain of OR to about as many.
pub const SEARCH_STRINGS_MAX: usize = 256;

/// Octets of one LIST pattern: longer than any mailbox name.
pub const PATTERN_BYTES_MAX: usize = 2 * 1024;

/// Steps of matching in one LIST or LSUB, each about a nanosecond or two: the lengths of all names times the words of 64 octets that a
/// pattern has. 10,000 names of 100 octets and ten patterns take 10 million; what takes more than 50 million is refused.
pub const LIST_STEPS_MAX: usize = 50_000_000;

/// Names that one LIST or LSUB selects from, with their ancestors: five times the mailboxes and subscriptions that an account may
/// have (10,000 each, in the store). Names of 500 levels with nothing in common would take hundreds of megabytes.
pub const LIST_NAMES_MAX: usize = 100_000;

/// Wildcards in one LIST pattern. Mail programs send one or two.
pub const PATTERN_WILDCARDS_MAX: usize = 16;

/// Patterns of one LIST command (RFC 5258 section 3).
pub const PATTERNS_MAX: usize = 64;

/// Octets of a mailbox name in UTF-8, all levels together: four levels of the 255 that file systems allow.
pub const MAILBOX_NAME_BYTES_MAX: usize = 1024;

/// Octets of a keyword. The longest registered one (RFC 5788) has 16.
pub const KEYWORD_BYTES_MAX: usize = 128;

/// Keywords in one flag list.
pub const KEYWORDS_MAX: usize = 64;

/// Keywords listed in a FLAGS response. The list is repeated whenever a keyword is added, so without a limit a mailbox
/// in which every message has its own keywords would have quadratic cost. Cyrus allows 128 per mailbox
/// (`MAX_USER_FLAGS`).
pub const KEYWORDS_TOLD_MAX: usize = 512;

/// Consecutive invalid commands before sign-in: three suffice to recognize a browser or a client of another protocol.
pub const BAD_BEFORE_SIGN_IN_MAX: u32 = 3;

/// Consecutive invalid commands after sign-in: stops clients in a loop, while a merely faulty client does not send
/// fifty in a row.
pub const BAD_MAX: u32 = 50;

/// Failed sign-ins on one connection. People mistype once or twice.
pub const SIGN_IN_FAILURES_MAX: u32 = 3;

/// A SASL line in base64. RFC 4616 section 2 has three fields of 255 octets each; RFC 4954 section 4 gives the same
/// exchange in SMTP 12,288 octets.
pub const SASL_LINE_BYTES_MAX: usize = 12_288;

/// The approximate size of one [`Step::Write`](crate::Step::Write), in bytes: up to four full TLS records.
pub const WRITE_BYTES: usize = 64 * 1024;
