"""POSIX ACLs: sound, or refused."""

import errno
import os
import struct

from harness.expect import equal, refused, skip
from harness.files import content, make, make_directory, mode_of
from harness.people import ALICE, BOB, User, by
from harness.registry import test

ACCESS, DEFAULT = 'system.posix_acl_access', 'system.posix_acl_default'
NOBODY = 0xFFFFFFFF


def acl(owner, group, other, mask=None, **users):
    """The value of the attribute. users: u60001=4"""
    entries = [(1, owner, NOBODY)]
    entries += [(2, bits, int(name[1:])) for name, bits in sorted(users.items())]
    entries.append((4, group, NOBODY))
    if mask is not None:
        entries.append((16, mask, NOBODY))
    entries.append((32, other, NOBODY))
    return struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *entry) for entry in entries)


def set_acl(path, name, value):
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        equal(error.errno, errno.EOPNOTSUPP)
        refused((errno.EOPNOTSUPP, errno.ENODATA), os.getxattr, path, name)
        skip('ACLs are refused with EOPNOTSUPP')


@test
def they_grant_and_refuse():
    """An ACL grants a user what it says, within its mask"""
    make('f', b'data', 0o600)
    value = acl(6, 0, 0, 4, **{f'u{ALICE.uid}': 4})
    set_acl('f', ACCESS, value)
    equal((os.getxattr('f', ACCESS), mode_of('f')), (value, 0o640))
    equal(by(ALICE, content, 'f'), b'data')
    refused(errno.EACCES, by, BOB, content, 'f')
    os.chmod('f', 0o600)
    refused(errno.EACCES, by, ALICE, content, 'f')


@test
def they_are_inherited():
    """A default ACL is the ACL of what is made in the directory"""
    make_directory('d', 0o755)
    set_acl('d', DEFAULT, acl(7, 5, 0, 5, **{f'u{ALICE.uid}': 5}))
    make('d/f', b'data', 0o640)
    os.mkdir('d/e', 0o770)
    equal(by(ALICE, content, 'd/f'), b'data')
    refused(errno.EACCES, by, User(60077, 60077), content, 'd/f')
    equal(by(ALICE, os.listdir, 'd/e'), [])
