#!/usr/bin/env python3
"""Opens a vault by its written format alone (docs/formats/keys.md, docs/formats/message.md).

Shares no code with the program. Needs the package `cryptography` (44 or later, for Argon2id); exits 77 without it.
Usage: open_vector.py VECTOR.json
"""
import base64, hashlib, hmac, json, struct, sys

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
except ImportError as missing:
    print(f"skipped: the Python package cryptography (44 or later) is not here: {missing}")
    sys.exit(77)

sha256 = lambda data: hashlib.sha256(data).digest()
extract = lambda salt, ikm: hmac.digest(salt or bytes(32), ikm, "sha256")


def expand(prk, info, length):
    out, block, count = b"", b"", 1
    while len(out) < length:
        block = hmac.digest(prk, block + info + bytes([count]), "sha256")
        out, count = out + block, count + 1
    return out[:length]


class Reader:
    def __init__(self, data, magic=b""):
        assert data.startswith(magic), "magic"
        self.data, self.at = data, len(magic)

    def take(self, count):
        self.at += count
        assert self.at <= len(self.data), "short"
        return self.data[self.at - count:self.at]

    def number(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(">" + form)))[0]

    def text(self):
        return self.take(self.number("H"))

    def sized(self):
        return self.take(self.number("I"))


text = lambda data: struct.pack(">H", len(data)) + data
sized = lambda data: struct.pack(">I", len(data)) + data


def open_box(box, passphrase, context):
    memory, passes, lanes = struct.unpack(">III", box[:12])
    stretched = Argon2id(salt=box[12:28], length=32, iterations=passes, lanes=lanes, memory_cost=memory)
    okm = expand(stretched.derive(passphrase.encode()), b"bailiwick/passphrase/v1" + box[:12] + context, 64)
    assert okm[32:] == box[28:60], "passphrase"
    return AESGCM(okm[:32]).decrypt(bytes(12), box[60:], context)


def service_open(prk, context, sealed):
    assert sealed[:2] == b"\x01\x01"
    key = expand(prk, b"seal" + text(context.encode()) + sealed[2:26], 32)
    return AESGCM(key).decrypt(bytes(12), sealed[26:], sealed[:2])


def service_hash(prk, context, data):
    return hmac.digest(expand(prk, b"hash" + text(context.encode()), 32), data, "sha256")


def hpke_open(private, info, sealed):  # RFC 9180, base mode, suite 0x0020 0x0001 0x0002
    enc, ciphertext = sealed[:32], sealed[32:]
    labeled = lambda suite, salt, label, ikm: extract(salt, b"HPKE-v1" + suite + label + ikm)
    widened = lambda suite, prk, label, info, n: expand(prk, struct.pack(">H", n) + b"HPKE-v1" + suite + label + info, n)
    key = X25519PrivateKey.from_private_bytes(private)
    kem, suite = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"
    shared = key.exchange(X25519PublicKey.from_public_bytes(enc))
    eae = labeled(kem, b"", b"eae_prk", shared)
    secret = widened(kem, eae, b"shared_secret", enc + key.public_key().public_bytes_raw(), 32)
    context = b"\x00" + labeled(suite, b"", b"psk_id_hash", b"") + labeled(suite, b"", b"info_hash", info)
    prk = labeled(suite, secret, b"secret", b"")
    return AESGCM(widened(suite, prk, b"key", context, 32)).decrypt(
        widened(suite, prk, b"base_nonce", context, 12), ciphertext, b"")


def times(a, b):  # GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a, b = a << 1 ^ (0x11D if a & 0x80 else 0), b >> 1
    return product


def join(one, two):  # the line through two points, at 0
    def inverse(a):
        return next(b for b in range(1, 256) if times(a, b) == 1)
    over = inverse(one[0] ^ two[0])
    left, right = times(two[0], over), times(one[0], over)
    return bytes(times(a, left) ^ times(b, right) for a, b in zip(one[1:], two[1:]))


def message_key(epoch_key, account, epoch, id, arrival):
    info = b"bailiwick/message/v1" + account + struct.pack(">Iq", epoch, arrival)
    return expand(extract(id, epoch_key), info, 32)


def open_part(key, account, id, arrival, part, sealed):
    okm = expand(key, b"bailiwick/part/v1" + bytes([part]), 71)
    assert sealed[:1] == b"\x01" and sealed[1:33] == okm[32:64], "commitment"
    body, plain, size = sealed[33:], b"", 65536 + 16
    for number in range(max(1, -(-len(body) // size))):
        chunk, last = body[number * size:(number + 1) * size], (number + 1) * size >= len(body)
        nonce = okm[64:] + struct.pack(">IB", number, last)
        aad = b"\x01" + account + id + struct.pack(">BIq", part, number, arrival)
        plain += AESGCM(okm[:32]).decrypt(nonce, chunk, aad)
    return plain


public_of = lambda private: X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def main(path):
    vector = json.load(open(path))
    files = {name: bytes.fromhex(data) for name, data in vector["files"].items()}
    account = bytes.fromhex(vector["account"])

    # node.keys: the service key, and the node's signing key
    node = files["node.keys"]
    assert sha256(node[:-32]) == node[-32:]
    rest = Reader(node[:-32], b"BVN\x01")
    home, origin, signing = rest.text(), rest.text(), rest.take(32)
    service = open_box(rest.sized(), vector["node_passphrase"],
                       b"bailiwick/node/v1" + text(home) + text(origin) + signing)
    rooms, own = extract(b"bailiwick/service/v1", service), extract(b"bailiwick/vault/v1", service)
    seed = service_open(own, "node signing key", rest.sized())
    assert Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw() == signing
    seal = vector["service"]
    assert service_open(rooms, seal["context"], bytes.fromhex(seal["sealed"])).hex() == seal["plain"]
    assert service_hash(rooms, seal["context"], bytes.fromhex(seal["plain"])).hex() == seal["hash"]

    def checked(name, magic):
        assert service_hash(own, name, files[name][:-32]) == files[name][-32:], name
        return Reader(files[name][:-32], magic)

    # the officers' roster, and each officer's secrets
    rest = checked("officers.roster", b"BVR\x01")
    assert rest.text() == home
    escrow, deal, paper_shares, roster, sealed_shares = rest.take(32), rest.number("I"), rest.number("B"), {}, {}
    assert (deal, paper_shares, rest.number("B")) == (1, 0, 0)
    for _ in range(rest.number("B")):
        name = rest.text()
        roster[name.decode()] = (rest.take(32), rest.take(32), rest.number("q"))
        rest.number("q"), rest.number("Q")
        sealed_shares[name.decode()] = rest.sized()
    assert rest.at == len(rest.data)
    secrets = {}
    for name, passphrase in vector["officers"]:
        rest = checked(f"officers/{name}.keys", b"BVO\x01")
        verifying, sharing, _ = roster[name]
        assert rest.text() == name.encode()
        context = b"bailiwick/officer/v1" + text(home) + text(name.encode()) + verifying + sharing
        plain = open_box(rest.sized(), passphrase, context)
        assert Ed25519PrivateKey.from_private_bytes(plain[:32]).public_key().public_bytes_raw() == verifying
        assert len(plain) == 64 and public_of(plain[32:64]) == sharing
        info = b"bailiwick/share/v1" + text(home) + escrow + struct.pack(">I", deal) + text(name.encode()) + sharing
        secrets[name] = plain + hpke_open(plain[32:64], info, sealed_shares[name])
    shares = [plain[64:] for plain in secrets.values()]
    escrow_private = join(shares[0], shares[1])
    assert public_of(escrow_private) == escrow and join(shares[2], shares[0]) == escrow_private

    # the account: by its owner's password, by the escrow key, and by whatever else its file has
    name = f"accounts/{vector['account']}.keys"
    rest = checked(name, b"BVA\x01")
    assert rest.take(16) == account
    custody, wraps = rest.number("B"), {}
    settings, scram_salt, codes = rest.number("B"), rest.take(16), rest.sized()
    pairs = [(rest.take(32), rest.sized()) for _ in range(rest.number("B"))]
    for _ in range(rest.number("B")):
        wraps.setdefault(rest.number("B"), []).append(rest.sized())
    first = pairs[0][0]
    root = open_box(wraps[1][0], vector["password"], b"bailiwick/account-password/v1" + account + first)
    assert wraps[2][0][:32] == escrow
    assert hpke_open(escrow_private, b"bailiwick/account-escrow/v1" + account + first, wraps[2][0][32:]) == root

    def root_open(what, sealed):
        info = b"bailiwick/account-root/v1" + account + sized(what) + sealed[:24]
        return AESGCM(expand(root, info, 32)).decrypt(bytes(12), sealed[24:], b"")

    private = root_open(b"pair" + pairs[-1][0], pairs[-1][1])
    assert public_of(private) == pairs[-1][0]
    assert service_open(own, f"account root/{vector['account']}", wraps[3][0]) == root and custody == 2
    secrets_of = vector["secrets"]

    def random_open(kind, number, secret, sealed):
        context = kind + account + first + number
        okm = expand(extract(sealed[:24], secret), b"bailiwick/random-wrap/v1" + context, 64)
        assert okm[32:] == sealed[24:56], kind
        return AESGCM(okm[:32]).decrypt(bytes(12), sealed[56:], context)

    app = Reader(wraps[4][0])
    number, scopes, _, _, stored = app.take(4), app.number("B"), app.number("q"), app.number("q"), app.take(32)
    salted = hashlib.pbkdf2_hmac("sha256", secrets_of["app_password"].encode(), scram_salt, 4096)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    assert sha256(client_key) == stored and scopes == 3
    assert root_open(b"app password name" + number, app.sized()) == b"phone"
    opened = random_open(b"bailiwick/account-app-password/v1", number, client_key, app.sized())
    assert opened == root + hmac.digest(salted, b"Server Key", "sha256")
    for code, sealed in zip(secrets_of["recovery_codes"], wraps[5]):
        assert random_open(b"bailiwick/account-recovery/v1", b"", code.encode(), sealed) == root
    token = base64.urlsafe_b64decode(secrets_of["session_token"] + "==")
    session = Reader(wraps[6][0])
    number, _, _ = session.take(4), session.number("q"), session.number("q")
    assert token[:20] == account + number and root_open(b"session name" + number, session.sized()) == b"browser"
    assert random_open(b"bailiwick/account-session/v1", number, token[20:], session.sized()) == root
    assert base64.b32encode(root_open(b"totp", codes[8:])).decode() == secrets_of["code_secret"]
    seen = Reader(service_open(own, f"seen/{vector['account']}.seen", files[f"seen/{vector['account']}.seen"]), b"BVU\x01")
    here = service_hash(own, "network", account + bytes(16))[:16]
    assert seen.number("I") == 1 and seen.take(16) == here

    # the epoch and its messages
    sealed, epoch = bytes.fromhex(vector["sealed_epoch_key"]), vector["epoch"]
    assert sealed[:1] == b"\x01" and len(sealed) == 81
    epoch_key = hpke_open(private, b"bailiwick/epoch/v1" + account + struct.pack(">I", epoch), sealed[1:])
    keys = {}
    for message in vector["messages"]:
        id, arrival = bytes.fromhex(message["id"]), message["arrival"]
        keys[id] = message_key(epoch_key, account, epoch, id, arrival)
        plain = open_part(keys[id], account, id, arrival, message["part"], bytes.fromhex(message["sealed"]))
        assert plain == bytes(at % 251 for at in range(message["plain_len"]))

    # the order, the approvals, and the share that the first officer released to the second
    order, codes = vector["order"], {"subscriber": 1, "identification": 2, "traffic": 3, "content": 4}
    canonical = (b"bailiwick/order/v1" + text(order["home"].encode()) + struct.pack(">Q", order["case"])
                 + bytes.fromhex(order["account"]) + sized(bytes(sorted({codes[c] for c in order["categories"]})))
                 + struct.pack(">qq", order["from"], order["until"])
                 + b"".join(bytes.fromhex(order[name]) for name in ("demand", "decision", "law"))
                 + struct.pack(">q", order["expires"]))
    digest = sha256(canonical)
    assert digest.hex() == vector["order_digest"]
    for approval in vector["approvals"]:
        me, released = approval["officer"], {to: base64.b64decode(s) for to, s in approval["released"].items()}
        signed = (b"bailiwick/approval/v1" + text(approval["home"].encode()) + struct.pack(">Q", approval["case"])
                  + text(me.encode()) + bytes.fromhex(approval["order"]) + struct.pack(">q", approval["at"])
                  + struct.pack(">I", len(approval["release_digests"])))
        for to, share in sorted(released.items()):
            assert sha256(share).hex() == approval["release_digests"][to]
            signed += text(to.encode()) + sha256(share)
            info = b"bailiwick/release/v1" + text(home) + digest + text(me.encode()) + text(to.encode()) + roster[to][1]
            assert hpke_open(secrets[to][32:64], info, service_open(own, "released share", share)) == secrets[me][64:]
        signature = bytes.fromhex(approval["signature"])
        Ed25519PublicKey.from_public_bytes(roster[me][0]).verify(signature, signed)
        if me == json.loads(vector["statement"])["officer"]:
            assert json.loads(vector["statement"])["approval"] == sha256(signed + signature).hex()

    # the clearance that was kept: the keys of the messages in scope
    name = f"clearances/{digest.hex()}.clearance"
    rest = Reader(service_open(own, name, files[name]), b"BVC\x01")
    assert json.loads(rest.sized()) == order
    officers, _ = (rest.text(), rest.text()), rest.number("q")
    for _ in range(rest.number("I")):
        id, where, key = rest.take(16), rest.take(12), rest.take(32)
        assert keys[id] == key and struct.unpack(">I", where[:4])[0] == epoch
    print(f"opened {len(files)} files, {len(vector['messages'])} parts, {len(vector['approvals'])} approvals")


if __name__ == "__main__":
    main(sys.argv[1])
