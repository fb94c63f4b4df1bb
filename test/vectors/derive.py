#!/usr/bin/env python3
"""How a pseudonym is made, without PostgreSQL.

Writes pseudonym.tsv and keyring beside this file, from a root key of the bytes
0 to 31.  Needs nothing but Python: this is what another language has to do.
"""
import os
from hashlib import blake2b

ROOT = bytes(range(32))
CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz'


def subkey(root, kind, version):
    return blake2b(kind.encode() + b'\0' + bytes([version]), digest_size=32,
                   key=root, person=b'journey_privacy').digest()


def keyed(root, kind, version, message):
    """The 16 bytes of a pseudonym: key version and 15 bytes of keyed hash."""
    digest = blake2b(message, digest_size=16, key=subkey(root, kind, version),
                     person=kind.encode()).digest()
    return bytes([version]) + digest[:15]


def pseudonym(root, kind, value, version=1):
    """value: normalised.  Version n + 1 hashes version n."""
    result = keyed(root, 'pseudonym', 1, (kind + ':' + value).encode())
    for v in range(2, version + 1):
        result = keyed(root, 'pseudonym', v, result)
    return result


def scoped(root, subject, scope, version=1):
    return keyed(root, 'scope', version, subject + scope.encode())


def text(result):
    bits = int.from_bytes(result[1:], 'big')
    return 'p%d_' % result[0] + ''.join(
        CROCKFORD[bits >> shift & 31] for shift in range(115, -1, -5))


def keyring_line(root, number=1):
    """A line of the keyring file."""
    line = 'journey_privacy root=%d key=' % number
    check = blake2b(line.encode(), digest_size=16, key=root,
                    person=b'jp_keyring_line').hexdigest()[:16]
    return line + root.hex() + ' check=' + check


# kind, value as given, value as normalised
IDENTITIES = [
    ('email', 'ann@example.com', 'ann@example.com'),
    ('email', ' Ann@Example.COM\t', 'ann@example.com'),
    ('email', 'ÄNN@example.com', 'Änn@example.com'),    # ASCII only
    ('customer_id', '42', '42'),
    ('customer_id', ' A:b ', 'A:b'),
    ('mobile_number', '+49 (151) 123-456.78', '+4915112345678'),
    ('mobile_number', '004915112345678', '+4915112345678'),
    ('ios_idfv', '{6F9619FF-8B86-D011-B42D-00C04FC964FF}',
     '6f9619ff-8b86-d011-b42d-00c04fc964ff'),
    ('ios_idfv', '6f9619ff8b86d011b42d00c04fc964ff',
     '6f9619ff-8b86-d011-b42d-00c04fc964ff'),
    ('device_id', '日本語-端末-1', '日本語-端末-1'),
    ('device_id', 'x' * 116, 'x' * 116),    # with its kind one block of 128 bytes less 2
    ('device_id', 'x' * 118, 'x' * 118),    # one block exactly
    ('device_id', 'x' * 119, 'x' * 119),    # one byte more
    ('device_id', 'x' * 1024, 'x' * 1024),  # the longest
]


def rows():
    for kind, given, normalised in IDENTITIES:
        for version in (1, 2, 3):
            result = pseudonym(ROOT, kind, normalised, version)
            yield (kind, given, str(version), text(result),
                   text(scoped(ROOT, result, 'partner')))


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, 'pseudonym.tsv'), 'w') as out:
        out.write('kind\tvalue\tversion\tpseudonym\tscoped for "partner"\n')
        for row in rows():
            out.write('\t'.join(f.replace('\\', '\\\\').replace('\t', '\\t')
                                for f in row) + '\n')
    with open(os.path.join(here, 'keyring'), 'w') as out:
        out.write('# A keyring for tests: its root key is public.\n'
                  + keyring_line(ROOT) + '\n')


if __name__ == '__main__':
    main()
