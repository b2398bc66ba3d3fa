#!/usr/bin/env python3
"""Opens what officers have by its written format alone (docs/formats/keys.md): roster and officers, shares on
paper, what a case holds of a closed account, a backup of keys.

Shares no code with the program; needs what open_vector.py needs. Usage: open_office.py VECTOR.json
"""
import json, struct, sys

from open_vector import (AESGCM, Ed25519PrivateKey, Reader, expand, extract, hpke_open, join, sized, open_box, open_part,
                         public_of, service_hash, service_open, sha256, text)


def paper_share(words, listed, home):
    number = 0
    for word in words.split():
        number = number << 11 | listed.index(word)
    data = number.to_bytes(39, "big")  # 308 bits: half an byte before them
    deal, share, check = data[:2], data[2:35], data[35:]
    assert sha256(b"bailiwick/paper-share/v1" + text(home) + deal + share)[:4] == check, "words"
    return int.from_bytes(deal, "big"), share


def main(path):
    vector = json.load(open(path))
    raw = lambda name: bytes.fromhex(vector[name])

    def node_keys(file):
        rest = Reader(file[:-32], b"BVN\x01")
        assert sha256(file[:-32]) == file[-32:]
        home, origin, signing = rest.text(), rest.text(), rest.take(32)
        context = b"bailiwick/node/v1" + text(home) + text(origin) + signing
        return home, extract(b"bailiwick/vault/v1", open_box(rest.sized(), vector["node_passphrase"], context))

    home, own = node_keys(raw("node"))

    def checked(file, name, magic):
        assert service_hash(own, name, file[:-32]) == file[-32:], name
        return Reader(file[:-32], magic)

    def roster(file):
        rest, previous, officers = checked(file, "officers.roster", b"BVR\x01"), None, {}
        assert rest.text() == home
        escrow, deal, paper_shares = rest.take(32), rest.number("I"), rest.number("B")
        if rest.number("B"):
            previous = rest.take(32), rest.sized()
        for _ in range(rest.number("B")):
            name, verifying, sharing = rest.text(), rest.take(32), rest.take(32)
            rest.number("q"), rest.number("q"), rest.number("Q")
            officers[name.decode()] = verifying, sharing, rest.sized()
        assert rest.at == len(rest.data)
        return escrow, deal, paper_shares, previous, officers

    def shares(dealt):
        escrow, deal, _, _, officers = dealt
        found = {}
        for officer in vector["officers"]:
            name, file = officer["name"].encode(), bytes.fromhex(officer["file"])
            if officer["name"] not in officers:
                continue
            verifying, sharing, sealed = officers[officer["name"]]
            rest = checked(file, f"officers/{officer['name']}.keys", b"BVO\x01")
            assert rest.text() == name
            context = b"bailiwick/officer/v1" + text(home) + text(name) + verifying + sharing
            plain = open_box(rest.sized(), officer["passphrase"], context)
            assert len(plain) == 64 and public_of(plain[32:]) == sharing
            assert Ed25519PrivateKey.from_private_bytes(plain[:32]).public_key().public_bytes_raw() == verifying
            info = b"bailiwick/share/v1" + text(home) + escrow + struct.pack(">I", deal) + text(name) + sharing
            found[officer["name"]] = hpke_open(plain[32:], info, sealed)
        return found

    # the first deal: officers' shares and paper shares, any two of them
    dealt = roster(raw("roster"))
    listed = vector["words"].split()
    assert sha256("".join(word + "\n" for word in listed).encode()).hex() == \
        "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda", "the list of BIP-39"
    written = [paper_share(words, listed, home) for words in vector["paper_shares"]]
    assert len(written) == dealt[2] and all(deal == dealt[1] % 4096 for deal, _ in written)
    all_shares = list(shares(dealt).values()) + [share for _, share in written]
    escrow = join(all_shares[0], all_shares[-1])
    assert public_of(escrow) == dealt[0] and len(all_shares) == 5
    assert all(join(one, two) == escrow for one in all_shares for two in all_shares if one[0] != two[0])

    # the previous key, by the one that replaced it
    replaced = roster(raw("roster_replaced"))
    after = list(shares(replaced).values())
    new = join(after[0], after[1])
    assert public_of(new) == replaced[0] != dealt[0] == replaced[3][0]
    info = b"bailiwick/previous-escrow/v1" + text(home) + replaced[3][0] + replaced[0]
    assert hpke_open(new, info, replaced[3][1]) == escrow

    # what a case holds of the account that was closed
    account, case = bytes.fromhex(vector["account"]), struct.pack(">Q", vector["case"])
    rest = checked(raw("held"), f"held/{vector['case']}-{vector['account']}.keys", b"BVH\x01")
    assert (rest.take(8), rest.take(16), rest.take(32)) == (case, account, dealt[0])
    key = hpke_open(escrow, b"bailiwick/held/v1" + text(home) + case + account, rest.take(80))
    rest = Reader(AESGCM(expand(key, b"bailiwick/held/v1", 32)).decrypt(bytes(12), rest.sized(), b"BVH\x01"))
    assert rest.number("I") == len(vector["messages"])
    for message in vector["messages"]:
        id, epoch, arrival, key = rest.take(16), rest.number("I"), rest.number("q"), rest.take(32)
        assert (id.hex(), epoch, arrival) == (message["id"], message["epoch"], message["arrival"])
        assert open_part(key, account, id, arrival, 1, bytes.fromhex(message["sealed"])).hex() == message["plain"]

    # the backup of keys: the day's key, and with it every file of then
    rest = Reader(raw("backup"), b"BVB\x01")
    day, node = rest.number("I"), rest.take(rest.number("Q"))
    sealed = rest.take(rest.number("Q"))
    assert rest.at == len(rest.data) and node_keys(node) == (home, own)
    day_key = service_open(own, f"days/{day}.key", raw("day_key"))
    ring = extract(b"bailiwick/vault/v1", day_key)
    rest = Reader(service_open(ring, f"backup of keys of day {day}", sealed))
    files = {rest.text().decode(): rest.sized() for _ in range(rest.number("I"))}
    assert rest.at == len(rest.data) and files["officers.roster"] == raw("roster")
    assert files[f"accounts/{vector['account']}.keys"] == raw("account_file")
    print(f"opened {len(all_shares)} shares, {len(vector['messages'])} held messages, a backup of {len(files)} files")


main(sys.argv[1])
