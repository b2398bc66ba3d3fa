"""Python's imaplib signs in by SCRAM-SHA-256 and SCRAM-SHA-256-PLUS with an app password; the client's arithmetic is here."""

import base64
import hashlib
import hmac
import imaplib
import os
import socket
import ssl

ADDRESS, PASSWORD, APP_PASSWORD = os.environ["ADDRESS"], os.environ["PASSWORD"], os.environ["APP_PASSWORD"]
IMAPS = int(os.environ["IMAPS_PORT"])
context = ssl.create_default_context(cafile=os.environ["CA"])
socket.setdefaulttimeout(60)
mac = lambda key, text: hmac.digest(key, text, "sha256")
b64 = lambda data: base64.b64encode(data)


class Scram:
    """What imaplib's authenticate() calls with each challenge."""

    def __init__(self, user, password, header=b"n,,", binding=b""):
        self.password, self.header, self.binding = password.encode(), header, binding
        self.bare = b"n=" + user.encode() + b",r=" + b64(os.urandom(18))
        self.expected = None

    def __call__(self, challenge):
        if not challenge:
            return self.header + self.bare
        if challenge.startswith(b"v="):
            assert base64.b64decode(challenge[2:]) == self.expected, "the node's proof"
            return b""
        fields = dict(field.split(b"=", 1) for field in challenge.split(b","))
        salt, rounds = base64.b64decode(fields[b"s"]), int(fields[b"i"])
        assert rounds >= 4096 and len(salt) >= 16
        salted = hashlib.pbkdf2_hmac("sha256", self.password, salt, rounds)
        last = b"c=" + b64(self.header + self.binding) + b",r=" + fields[b"r"]
        auth_message = self.bare + b"," + challenge + b"," + last
        client_key = mac(salted, b"Client Key")
        signature = mac(hashlib.sha256(client_key).digest(), auth_message)
        proof = bytes(one ^ two for one, two in zip(client_key, signature))
        self.expected = mac(mac(salted, b"Server Key"), auth_message)
        return last + b",p=" + b64(proof)


def connect(version=None):
    if version:
        limited = ssl.create_default_context(cafile=os.environ["CA"])
        limited.maximum_version = version
        return imaplib.IMAP4_SSL("localhost", IMAPS, ssl_context=limited)
    return imaplib.IMAP4_SSL("localhost", IMAPS, ssl_context=context)


def signs_in(mechanism, make, version=None):
    client = connect(version)
    assert "AUTH=" + mechanism in client.capabilities, client.capabilities
    try:
        kind, _ = client.authenticate(mechanism, make(client))
    except imaplib.IMAP4.error as error:
        assert "AUTHENTICATIONFAILED" in str(error), error
        client.shutdown()
        return False
    assert kind == "OK" and client.select("INBOX")[0] == "OK"
    client.logout()
    return True


def end_point(client):
    """tls-server-end-point (RFC 5929): the node's certificate is signed with SHA-256."""
    return hashlib.sha256(client.sock.getpeercert(binary_form=True)).digest()


PLUS = b"p=tls-server-end-point,,"
assert signs_in("SCRAM-SHA-256", lambda _: Scram(ADDRESS, APP_PASSWORD))
for version in (None, ssl.TLSVersion.TLSv1_2):
    assert signs_in("SCRAM-SHA-256-PLUS", lambda c: Scram(ADDRESS, APP_PASSWORD, PLUS, end_point(c)), version)
# Another certificate, a PLUS that somebody took away, a wrong password, the owner's own, and nobody: one answer.
assert not signs_in("SCRAM-SHA-256-PLUS", lambda c: Scram(ADDRESS, APP_PASSWORD, PLUS, bytes(32)))
assert not signs_in("SCRAM-SHA-256", lambda _: Scram(ADDRESS, APP_PASSWORD, b"y,,"))
assert not signs_in("SCRAM-SHA-256", lambda _: Scram(ADDRESS, "wrong"))
assert not signs_in("SCRAM-SHA-256", lambda _: Scram(ADDRESS, PASSWORD))
assert not signs_in("SCRAM-SHA-256", lambda _: Scram("nobody@ie.example", APP_PASSWORD))
# The same app password with LOGIN and PLAIN.
client = connect()
assert client.login(ADDRESS, APP_PASSWORD)[0] == "OK"
client.logout()
print("signed in by SCRAM")
