//! IMAP4rev1 and rev2 as a machine: bytes in, needs and bytes out.
