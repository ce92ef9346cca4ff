"""chmod and chown: who may, and what becomes of it."""

import errno
import os

from harness.expect import equal, refused
from harness.files import make, make_directory, mode_of, opened, owner_of
from harness.people import ALICE, ALICE_IN_TEAM, BOB, BOB_IN_TEAM, TEAM, User, by
from harness.registry import test

EPERM = errno.EPERM


@test
def chmod_is_for_the_owner():
    """The owner and root may chmod; others get EPERM, also those who may write"""
    make('f', mode=0o666, owner=User(ALICE.uid, TEAM))
    by(ALICE, os.chmod, 'f', 0o660)
    equal(mode_of('f'), 0o660)
    refused(EPERM, by, BOB_IN_TEAM, os.chmod, 'f', 0o666)
    refused(EPERM, by, BOB, os.chmod, 'f', 0o666)
    os.chmod('f', 0o604)
    equal(mode_of('f'), 0o604)


@test
def fchmod_and_fchown():
    """fchmod and fchown do the same through a descriptor, also a read-only one"""
    make('f')
    with opened('f') as fd:
        os.fchmod(fd, 0o640)
        os.fchown(fd, ALICE.uid, TEAM)
        equal((os.fstat(fd).st_mode & 0o7777, os.fstat(fd).st_uid, os.fstat(fd).st_gid), (0o640, ALICE.uid, TEAM))
    equal((mode_of('f'), owner_of('f')), (0o640, (ALICE.uid, TEAM)))


@test
def chmod_keeps_the_type():
    """chmod changes the permission bits of a directory and a fifo, and nothing else"""
    os.mkdir('d')
    os.mkfifo('p')
    for path in ('d', 'p'):
        kind = os.lstat(path).st_mode & 0o170000
        os.chmod(path, 0o1700)
        equal(os.lstat(path).st_mode, kind | 0o1700, path)


@test
def chmod_follows_symlinks():
    """chmod and chown of a symlink reach its target; lchown reaches the symlink"""
    make('f', mode=0o644)
    os.symlink('f', 's')
    os.chmod('s', 0o600)
    os.chown('s', ALICE.uid, ALICE.gid)
    equal((mode_of('f'), owner_of('f'), owner_of('s')), (0o600, (ALICE.uid, ALICE.gid), (0, 0)))
    os.lchown('s', BOB.uid, BOB.gid)
    equal((owner_of('f'), owner_of('s')), ((ALICE.uid, ALICE.gid), (BOB.uid, BOB.gid)))


@test
def chmod_drops_setgid_of_strangers():
    """An owner who is not in the file's group can't make it set-group-id: the bit is dropped silently"""
    make('f', mode=0o755, owner=User(ALICE.uid, TEAM))
    by(ALICE, os.chmod, 'f', 0o2755)
    equal(mode_of('f'), 0o755)
    by(ALICE_IN_TEAM, os.chmod, 'f', 0o2755)
    equal(mode_of('f'), 0o2755)
    os.chmod('f', 0o6755)
    equal(mode_of('f'), 0o6755, 'root')


@test
def giving_away_is_for_root():
    """Only root changes the user of a file; its owner may set it to what it is"""
    make('f', owner=ALICE)
    refused(EPERM, by, ALICE, os.chown, 'f', BOB.uid, -1)
    refused(EPERM, by, BOB, os.chown, 'f', BOB.uid, -1)
    refused(EPERM, by, ALICE, os.chown, 'f', 0, -1)
    by(ALICE, os.chown, 'f', ALICE.uid, -1)
    equal(owner_of('f'), (ALICE.uid, ALICE.gid))
    os.chown('f', BOB.uid, -1)
    equal(owner_of('f'), (BOB.uid, ALICE.gid))


@test
def owners_choose_among_their_groups():
    """The owner may give a file to a group of its own, to no other: EPERM"""
    make('f', owner=ALICE)
    by(ALICE_IN_TEAM, os.chown, 'f', -1, TEAM)
    equal(owner_of('f'), (ALICE.uid, TEAM))
    by(ALICE, os.chown, 'f', ALICE.uid, ALICE.gid)
    refused(EPERM, by, ALICE, os.chown, 'f', -1, TEAM)
    refused(EPERM, by, ALICE_IN_TEAM, os.chown, 'f', -1, BOB.gid)
    refused(EPERM, by, BOB_IN_TEAM, os.chown, 'f', -1, TEAM)
    equal(owner_of('f'), (ALICE.uid, ALICE.gid))


@test
def half_a_chown():
    """-1 leaves user or group as it is"""
    make('f', owner=ALICE)
    os.chown('f', -1, TEAM)
    equal(owner_of('f'), (ALICE.uid, TEAM))
    os.chown('f', BOB.uid, -1)
    equal(owner_of('f'), (BOB.uid, TEAM))
    os.chown('f', -1, -1)
    equal(owner_of('f'), (BOB.uid, TEAM))


@test
def chmod_and_chown_of_nothing():
    """A missing name is ENOENT, a way through a file ENOTDIR, a closed directory EACCES"""
    make('f')
    make_directory('d', 0o700)
    make('d/f', owner=ALICE)
    for call, args in ((os.chmod, (0o600,)), (os.chown, (-1, -1))):
        refused(errno.ENOENT, call, 'missing', *args)
        refused(errno.ENOTDIR, call, 'f/x', *args)
        refused(errno.EACCES, by, ALICE, call, 'd/f', *args)
