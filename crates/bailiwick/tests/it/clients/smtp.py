"""Python's smtplib delivers by SMTP with STARTTLS and by LMTP; what must be refused is refused."""

import os
import smtplib
import socket
import ssl
from email.message import EmailMessage

SMTP, LMTP = int(os.environ["SMTP_PORT"]), int(os.environ["LMTP_PORT"])
ADDRESS = os.environ["ADDRESS"]
context = ssl.create_default_context(cafile=os.environ["CA"])
socket.setdefaulttimeout(60)


def message(subject, body="hello\n"):
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "python@example.org", ADDRESS, subject
    made.set_content(body)
    return made


with smtplib.SMTP("localhost", SMTP) as client:
    client.ehlo()
    for word in ("starttls", "pipelining", "size", "8bitmime", "enhancedstatuscodes", "smtputf8"):
        assert client.has_extn(word), word
    client.starttls(context=context)
    assert client.send_message(message("smtplib over STARTTLS")) == {}
    client.sendmail("grün@example.org", [ADDRESS], b"Subject: utf8\r\n\r\nx\r\n", mail_options=["SMTPUTF8"])
    try:
        client.sendmail("python@example.org", ["nobody@ie.example"], b"Subject: x\r\n\r\nx\r\n")
        raise AssertionError("an unknown recipient was taken")
    except smtplib.SMTPRecipientsRefused as refused:
        assert refused.recipients["nobody@ie.example"][0] == 550, refused.recipients
    client.sendmail("python@example.org", [ADDRESS, "nobody@ie.example"], b"Subject: partly\r\n\r\nx\r\n")

with smtplib.LMTP("localhost", LMTP) as client:
    assert client.send_message(message("smtplib over LMTP")) == {}


def raw(*parts):
    """Sends bytes as they are, each part after an answer to the one before, and returns all that comes back."""
    with socket.create_connection(("localhost", SMTP), timeout=10) as sock:
        sock.settimeout(3)
        got = b""
        for part in parts:
            sock.sendall(part)
            if part is not parts[-1]:
                while b"354" not in got:
                    got += sock.recv(4096) or exit("the connection ended")
        try:
            while chunk := sock.recv(4096):
                got += chunk
        except (TimeoutError, ConnectionError):
            pass
        return got


start = b"EHLO evil\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<" + ADDRESS.encode() + b">\r\nDATA\r\n"
assert b"\r\n250 2." in raw(start, b"Subject: one\r\n\r\nx\r\n.\r\nQUIT\r\n").split(b"354", 1)[1]
for end in (b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r"):
    smuggled = b"MAIL FROM:<smuggler@b.example>\r\nRCPT TO:<" + ADDRESS.encode() + b">\r\nDATA\r\nSubject: two\r\n\r\n"
    answer = raw(start, b"Subject: one\r\n\r\nx" + end + smuggled + b"x\r\n.\r\nQUIT\r\n")
    assert b"\r\n250" not in answer.split(b"354", 1)[1], (end, answer)
    assert answer.count(b"354") == 1, (end, answer)
# Data that does not wait for its 354 is not mail either.
assert b"354" not in raw(start + b"Subject: hasty\r\n\r\nx\r\n.\r\nQUIT\r\n")

big = raw(b"EHLO x\r\nMAIL FROM:<a@b.example> SIZE=999999999999\r\nQUIT\r\n")
assert b"552" in big, big
