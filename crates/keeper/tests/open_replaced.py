#!/usr/bin/env python3
"""Opens by its written format alone (docs/formats/keys.md) what is there when keys are replaced: an account file whose old
private key is destroyed, and node.keys with the seeds of two signing keys.

Shares no code with the program; needs what open_vector.py needs. Usage: open_replaced.py VECTOR.json
"""
import json, struct, sys

from open_vector import (AESGCM, Reader, expand, extract, hpke_open, message_key, sized, open_box, open_part, public_of,
                         service_hash, service_open, sha256, text)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def verifying(seed):
    raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(*raw)


def main(path):
    vector = json.load(open(path))
    files = {name: bytes.fromhex(data) for name, data in vector["files"].items()}
    account, in_hex = bytes.fromhex(vector["account"]), vector["account"]

    # node.keys: the first seed signs, the second is the next key's
    data = files["node.keys"]
    assert sha256(data[:-32]) == data[-32:]
    rest = Reader(data[:-32], b"BVN\x01")
    home, origin, signing = rest.text(), rest.text(), rest.take(32)
    service = open_box(rest.sized(), vector["node_passphrase"],
                       b"bailiwick/node/v1" + text(home) + text(origin) + signing)
    own = extract(b"bailiwick/vault/v1", service)
    seeds = service_open(own, "node signing key", rest.sized())
    assert rest.at == len(rest.data) and len(seeds) == 64
    assert verifying(seeds[:32]) == signing, "the first signing key"
    assert verifying(seeds[32:]).hex() == vector["next_signing_key"]

    # the account: two public keys, and the private key of the last
    name = f"accounts/{in_hex}.keys"
    assert service_hash(own, name, files[name][:-32]) == files[name][-32:]
    rest = Reader(files[name][:-32], b"BVA\x01" + account)
    rest.take(1 + 1 + 16), rest.sized()
    pairs = [(rest.take(32), rest.sized()) for _ in range(rest.number("B"))]
    wraps = {rest.number("B"): rest.sized() for _ in range(rest.number("B"))}
    assert rest.at == len(rest.data) and len(pairs) == 2
    assert pairs[0] == (bytes.fromhex(vector["first_public"]), b""), "the first private key is destroyed"
    root = open_box(wraps[1], vector["password"], b"bailiwick/account-password/v1" + account + pairs[0][0])
    public, sealed = pairs[1]
    info = b"bailiwick/account-root/v1" + account + sized(b"pair" + public) + sealed[:24]
    private = AESGCM(expand(root, info, 32)).decrypt(bytes(12), sealed[24:], b"")
    assert public_of(private) == public

    # every epoch key is sealed to the new key, earlier mail included
    keys = {}
    for epoch, sealed in vector["epochs"].items():
        info = b"bailiwick/epoch/v1" + account + struct.pack(">I", int(epoch))
        keys[int(epoch)] = hpke_open(private, info, bytes.fromhex(sealed)[1:])
    for message in vector["messages"]:
        id, epoch, arrival = bytes.fromhex(message["id"]), message["epoch"], message["arrival"]
        key = message_key(keys[epoch], account, epoch, id, arrival)
        assert open_part(key, account, id, arrival, 1, bytes.fromhex(message["sealed"])).hex() == message["plain"]
    assert vector["messages"]
    print(f"opened {len(files)} files, {len(keys)} epochs, {len(vector['messages'])} messages")


main(sys.argv[1])
