//! Listening sockets, pages, wire words: SMTP, LMTP, IMAP, HTTP, control.
