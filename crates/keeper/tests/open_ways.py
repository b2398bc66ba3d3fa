#!/usr/bin/env python3
"""Opens by its written format alone (docs/formats/keys.md) what open_vector.py and open_office.py do not: the ways to a
service key that is being replaced (token, two people, older keys), a reset, the secret behind made-up salts, a ring.

Shares no code with the program; needs what open_vector.py needs. Usage: open_ways.py VECTOR.json
"""
import hmac, json, struct, sys

from open_vector import (AESGCM, Reader, expand, extract, hpke_open, join, message_key, sized, open_box, open_part,
                         public_of, service_hash, sha256, text)
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding


def service_open(prk, number, context, sealed):
    assert sealed[:2] == bytes([1, number]), "which service key"
    key = expand(prk, b"seal" + text(context.encode()) + sealed[2:26], 32)
    return AESGCM(key).decrypt(bytes(12), sealed[26:], sealed[:2])


def random_open(secret, context, sealed):
    okm = expand(extract(sealed[:24], secret), b"bailiwick/random-wrap/v1" + context, 64)
    assert okm[32:] == sealed[24:56], "commitment"
    return AESGCM(okm[:32]).decrypt(bytes(12), sealed[56:], context)


def main(path):
    vector = json.load(open(path))
    files = {name: bytes.fromhex(data) for name, data in vector["files"].items()}
    account, in_hex = bytes.fromhex(vector["account"]), vector["account"]

    def summed(name, magic):
        assert sha256(files[name][:-32]) == files[name][-32:], name
        return Reader(files[name][:-32], magic)

    # by the node's passphrase: the new key, and by it the previous one
    rest = summed("node.keys", b"BVN\x01")
    home, origin, signing = rest.text(), rest.text(), rest.take(32)
    new = open_box(rest.sized(), vector["node_passphrase"],
                   b"bailiwick/node/v1" + text(home) + text(origin) + signing)
    number = rest.sized()[1]
    own = extract(b"bailiwick/vault/v1", new)
    older = Reader(service_open(own, number, f"older/{number}.keys", files[f"older/{number}.keys"]))
    assert (older.number("B"), older.number("B")) == (1, 1) and number == 2
    old = older.take(32)
    assert older.at == len(older.data) and old != new
    owns = [own, extract(b"bailiwick/vault/v1", old)]

    def by_either(name, rest):
        body, check = rest.data[:rest.at], rest.take(32)
        assert rest.at == len(rest.data)
        assert any(hmac.compare_digest(service_hash(key, name, body), check) for key in owns), name

    # by the token: its key opens a secret, the secret both keys
    rest = summed("node.token", b"BVP\x01")
    public, id, sealed = rest.sized(), rest.sized(), rest.sized()
    key = serialization.load_der_private_key(bytes.fromhex(vector["token_private"]), None)
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    assert key.public_key().public_bytes(*form) == public and id.hex() == vector["token_id"]
    secret = key.decrypt(sealed, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
    count = rest.number("B")
    assert random_open(secret, b"bailiwick/token/v1" + sha256(public), rest.sized()) == new + old and count == 2
    by_either("node.token", rest)

    # by two people of three
    rest = summed("node.holders", b"BVU\x01")
    public = rest.take(32)
    sealed = [rest.sized() for _ in range(rest.number("B"))]
    shares = []
    for _ in range(rest.number("B")):
        name, box = rest.text(), rest.sized()
        context = b"bailiwick/key-holder/v1" + public + text(name)
        shares.append(open_box(box, vector["holders"][name.decode()], context))
    by_either("node.holders", rest)
    private = join(shares[0], shares[2])
    assert public_of(private) == public and join(shares[2], shares[1]) == private
    assert [hpke_open(private, b"bailiwick/key-holders/v1" + public, one) for one in sealed] == [new, old]

    # sealed whole, under the new key by now
    assert len(service_open(own, number, "made-up.keys", files["made-up.keys"])) == 32
    name = f"resets/{in_hex}.reset"
    rest = Reader(service_open(own, number, name, files[name]), b"BVW\x01")
    begun, not_before, without_codes = rest.number("q"), rest.number("q"), rest.number("B")
    assert not_before - begun == vector["reset_delay"] and without_codes == 1 and rest.at == len(rest.data)

    # the ring: by the account's private key, every epoch key, each for the sealed key of its mark
    name = f"accounts/{in_hex}.keys"
    assert service_hash(own, name, files[name][:-32]) == files[name][-32:]
    rest = Reader(files[name][:-32], b"BVA\x01" + account)
    rest.take(1 + 1 + 16), rest.sized()
    pairs = [(rest.take(32), rest.sized()) for _ in range(rest.number("B"))]
    wraps = {rest.number("B"): rest.sized() for _ in range(rest.number("B"))}
    root = open_box(wraps[1], vector["password"], b"bailiwick/account-password/v1" + account + pairs[0][0])
    info = b"bailiwick/account-root/v1" + account + sized(b"pair" + pairs[-1][0]) + pairs[-1][1][:24]
    private = AESGCM(expand(root, info, 32)).decrypt(bytes(12), pairs[-1][1][24:], b"")
    prk, head, keys = extract(b"bailiwick/ring/v1", private), b"BVE\x01" + account, {}
    rest = Reader(files[f"rings/{in_hex}.ring"], head)
    while rest.at < len(rest.data):
        piece = rest.sized()
        plain = AESGCM(expand(prk, b"piece" + account + piece[:24], 32)).decrypt(bytes(12), piece[24:], head)
        rows = Reader(plain)
        while rows.at < len(plain):
            epoch, mark, key = rows.number("I"), rows.take(16), rows.take(32)
            assert sha256(bytes.fromhex(vector["epochs"][str(epoch)]))[:16] == mark
            keys[epoch] = key
    assert len(keys) == len(vector["epochs"])
    for message in vector["messages"]:
        id, epoch, arrival = bytes.fromhex(message["id"]), message["epoch"], message["arrival"]
        key = message_key(keys[epoch], account, epoch, id, arrival)
        assert open_part(key, account, id, arrival, 1, bytes.fromhex(message["sealed"])).hex() == message["plain"]
    print(f"opened {len(files)} files, {len(keys)} epochs, {len(vector['messages'])} messages")


main(sys.argv[1])
