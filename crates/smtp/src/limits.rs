//! How much of each thing is enough, and where each number comes from.

/// The longest command line in octets, its CRLF included. RFC 5321 section 4.5.3.1.4 asks for 512, each extension adds
/// some (SIZE 26, BODY 16, SMTPUTF8 10), and two UTF-8 addresses may be long; Postfix takes 2048 (`line_length_limit`).
pub const COMMAND_LINE_BYTES_MAX: usize = 2048;

/// The longest line of a message in octets, its CRLF included. RFC 5321 section 4.5.3.1.6 asks for 1000; mail with HTML
/// on one line of some hundred kilobytes is common, and Postfix, Exim and Dovecot take it. More than this is no text.
pub const DATA_LINE_BYTES_MAX: usize = 1024 * 1024;

/// The largest message in octets unless the operator says otherwise. RFC 5321 section 4.5.3.1.7 asks for 64 KiB at least;
/// Gmail takes 50 MB, Exchange Online 36 MB by default, so that what they send arrives.
pub const MESSAGE_SIZE_BYTES_MAX: u64 = 50 * 1024 * 1024;

/// The most recipients of one message: the 100 that RFC 5321 section 4.5.3.1.8 asks for. A sender with more gets `452`
/// for the rest and begins another transaction with them (section 4.5.3.1.10).
pub const RECIPIENTS_MAX: usize = 100;

/// The most errors, unknown recipients included, before `421`. Postfix: 20 (`smtpd_hard_error_limit`). An accepted message
/// pays them off.
pub const ERRORS_MAX: u32 = 20;

/// The most commands that bring no mail nearer (NOOP, RSET, VRFY, HELP, greetings) before `421`. Postfix: 100
/// (`smtpd_junk_command_limit`). An accepted message pays them off.
pub const IDLE_COMMANDS_MAX: u32 = 100;

/// The longest path in octets, its brackets included (RFC 5321 section 4.5.3.1.3).
pub(crate) const PATH_BYTES_MAX: usize = 256;

/// The longest name in a greeting (RFC 5321 section 4.5.3.1.2).
pub(crate) const HELO_BYTES_MAX: usize = 255;

/// The most room set aside for a message on the word of a `SIZE=` alone, in octets. Mean mail is 30 to 80 KB; whoever
/// declares more must send it before it costs memory here.
pub(crate) const RESERVE_BYTES_MAX: u64 = 256 * 1024;

/// Replies are gathered up to this many octets before they are written (RFC 2920 section 3.2 asks for gathering; one
/// TCP segment is about this long).
pub(crate) const GATHER_BYTES: usize = 1400;
