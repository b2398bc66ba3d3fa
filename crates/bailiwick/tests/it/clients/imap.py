"""Python's imaplib reads, flags, copies, moves, searches, appends and waits."""

import imaplib
import os
import re
import smtplib
import socket
import ssl
import time

ADDRESS, PASSWORD = os.environ["ADDRESS"], os.environ["PASSWORD"]
IMAP, IMAPS, SMTP = int(os.environ["IMAP_PORT"]), int(os.environ["IMAPS_PORT"]), int(os.environ["SMTP_PORT"])
context = ssl.create_default_context(cafile=os.environ["CA"])
socket.setdefaulttimeout(60)


def ok(answer):
    kind, data = answer
    assert kind == "OK", answer
    return data


plain = imaplib.IMAP4("localhost", IMAP)
assert "STARTTLS" in plain.capabilities and "LOGINDISABLED" in plain.capabilities, plain.capabilities
try:
    plain.login(ADDRESS, PASSWORD)
    raise AssertionError("a password was taken without TLS")
except imaplib.IMAP4.error:
    pass
ok(plain.starttls(context))
ok(plain.login(ADDRESS, PASSWORD))
plain.logout()

client = imaplib.IMAP4_SSL("localhost", IMAPS, ssl_context=context)
try:
    client.login(ADDRESS, "wrong")
    raise AssertionError("a wrong password was taken")
except imaplib.IMAP4.error as wrong:
    first = str(wrong)
try:
    client.login("nobody@ie.example", "wrong")
    raise AssertionError("an unknown account signed in")
except imaplib.IMAP4.error as wrong:
    assert str(wrong) == first, "the same words for an unknown account and a wrong password"
client = imaplib.IMAP4_SSL("localhost", IMAPS, ssl_context=context)
ok(client.authenticate("PLAIN", lambda _: f"\0{ADDRESS}\0{PASSWORD}".encode()))
capabilities = ok(client.capability())[0].decode().upper().split()
for word in ("IMAP4REV1", "IMAP4REV2", "UIDPLUS", "MOVE", "IDLE", "NAMESPACE", "ID"):
    assert word in capabilities, (word, capabilities)
ok(client.namespace())
ok(client.xatom("ID", '("name" "imaplib")'))

count = int(ok(client.select("INBOX"))[0])
assert count >= 8, count
rows = ok(client.fetch("1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"))
assert len([row for row in rows if row]) >= count, rows
whole = ok(client.fetch("1", "(BODY.PEEK[])"))[0][1]
size = int(re.search(rb"RFC822.SIZE (\d+)", ok(client.fetch("1", "(RFC822.SIZE)"))[0]).group(1))
assert size == len(whole), (size, len(whole))
header = ok(client.fetch("1", "(BODY.PEEK[HEADER])"))[0][1]
text = ok(client.fetch("1", "(BODY.PEEK[TEXT])"))[0][1]
assert header + text == whole
part = ok(client.fetch("1", "(BODY.PEEK[]<10.20>)"))[0][1]
assert part == whole[10:30]
fields = ok(client.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))[0][1]
assert fields.startswith(b"Subject:"), fields

ok(client.create("Work/2026"))
names = b" ".join(ok(client.list()))
assert b"Work/2026" in names, names
ok(client.subscribe("Work/2026"))
assert b"Work/2026" in b" ".join(ok(client.lsub()))
ok(client.copy("1:3", "Work/2026"))
status = ok(client.status("Work/2026", "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"))[0]
assert b"MESSAGES 3" in status, status
ok(client.store("2", "+FLAGS", r"(\Flagged $Work)"))
assert b"$Work" in ok(client.fetch("2", "(FLAGS)"))[0]
found = ok(client.search(None, "FLAGGED"))[0]
assert found == b"2", found
body = b"Subject: appended\r\n\r\nthe word quixotic is here\r\n"
stamp = imaplib.Time2Internaldate(time.time())
appended = ok(client.append("INBOX", r"(\Seen)", stamp, body))
assert b"APPENDUID" in appended[0], appended
client.noop()
found = ok(client.uid("SEARCH", None, "BODY", "quixot"))[0]
uid = found.decode()
assert uid.isdigit(), found
assert ok(client.uid("FETCH", uid, "(BODY[])"))[0][1] == body
moved = ok(client.uid("MOVE", uid, "Work/2026"))
assert ok(client.uid("SEARCH", None, "BODY", "quixot"))[0] in (None, b"")
ok(client.select("Work/2026"))
ok(client.store("1:*", "+FLAGS.SILENT", r"(\Deleted)"))
assert len(ok(client.expunge())) == 4
ok(client.close())
ok(client.rename("Work/2026", "Archive"))
ok(client.delete("Archive"))

# Quota: what is deleted does not count, and the root is the account's.
roots, quotas = ok(client.getquotaroot("INBOX"))
assert b'INBOX ""' in roots[0], roots
assert quotas[0].startswith(b'"" ('), quotas
ok(client.getquota('""'))

# IDLE, by hand: imaplib has no word for it before Python 3.14.
ok(client.select("INBOX"))
client.send(b"x1 IDLE\r\n")
assert client.readline().startswith(b"+"), "IDLE is not taken"
with smtplib.SMTP("localhost", SMTP) as sender:
    sender.sendmail("x@example.org", [ADDRESS], b"Subject: wake up\r\n\r\nnow\r\n")
client.sock.settimeout(10)
while b"EXISTS" not in (line := client.readline()):
    assert line, "the connection ended"
client.send(b"DONE\r\n")
while not (line := client.readline()).startswith(b"x1 OK"):
    assert line, "the connection ended"
client.logout()
