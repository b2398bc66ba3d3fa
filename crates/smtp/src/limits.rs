//! Limits, and where each number comes from.

/// The longest command line in octets, including its CRLF. RFC 5321 section 4.5.3.1.4 requires 512, each extension adds
/// some (SIZE 26, BODY 16, SMTPUTF8 10), and UTF-8 addresses may be long; Postfix accepts 2048 (`line_length_limit`).
pub const COMMAND_LINE_BYTES_MAX: usize = 2048;

/// The longest line of a message in octets, including its CRLF. RFC 5321 section 4.5.3.1.6 requires 1000; HTML on one
/// line of several hundred kilobytes is common, and Postfix, Exim and Dovecot accept it. Anything longer is not text.
pub const DATA_LINE_BYTES_MAX: usize = 1024 * 1024;

/// The default for the largest message in octets. RFC 5321 section 4.5.3.1.7 requires at least 64 KiB; Gmail accepts 50
/// MB and Exchange Online 36 MB by default, and what they send should arrive.
pub const MESSAGE_SIZE_BYTES_MAX: u64 = 50 * 1024 * 1024;

/// The most recipients of one message: the 100 that RFC 5321 section 4.5.3.1.8 requires. A sender with more gets `452`
/// for the rest and begins another transaction for them (section 4.5.3.1.10).
pub const RECIPIENTS_MAX: usize = 100;

/// The most errors, unknown recipients included, before `421`. Postfix: 20 (`smtpd_hard_error_limit`). An accepted
/// message resets the count.
pub const ERRORS_MAX: u32 = 20;

/// Replies of "try again later" in a connection before each further one counts as an error: recipients beyond
/// [`RECIPIENTS_MAX`], full mailboxes, a locked node. Postfix: 1000 (`smtpd_recipient_overshoot_limit`), so that a sender of long lists
/// who sends all recipients at once is not cut off. An accepted message resets the count.
pub const DEFERRALS_MAX: u32 = 1000;

/// The most commands that do not advance a delivery (NOOP, RSET, VRFY, HELP, greetings) before `421`. Postfix: 100
/// (`smtpd_junk_command_limit`). An accepted message resets the count.
pub const IDLE_COMMANDS_MAX: u32 = 100;

/// The longest path in octets, including its brackets (RFC 5321 section 4.5.3.1.3).
pub(crate) const PATH_BYTES_MAX: usize = 256;

/// The longest name in a greeting (RFC 5321 section 4.5.3.1.2).
pub(crate) const HELO_BYTES_MAX: usize = 255;

/// The most memory reserved for a message because of its `SIZE=` alone, in octets. The average message is 30 to 80 KB;
/// memory beyond this is allocated only as data arrives.
pub(crate) const RESERVE_BYTES_MAX: u64 = 256 * 1024;

/// Replies are buffered up to this many octets before they are written (RFC 2920 section 3.2; about one TCP segment).
pub(crate) const GATHER_BYTES: usize = 1400;
