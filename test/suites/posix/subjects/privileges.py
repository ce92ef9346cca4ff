"""Set-user-id and set-group-id bits and capabilities, and what takes them away."""

import os
import shutil
import subprocess

from harness.expect import equal, skip
from harness.files import make, make_directory, mode_of, opened, put
from harness.libc import fallocate
from harness.people import ALICE, BOB, ALICE_IN_TEAM, TEAM, User, by
from harness.registry import test

# CAP_NET_RAW, permitted, as the kernel keeps it in security.capability (version 2).
CAPABILITY = bytes.fromhex('0100000200200000000000000000000000000000')


@test
def chown_clears_both_bits():
    """chown takes suid and sgid from a file, also when root does it"""
    for change in ((ALICE.uid, -1), (-1, TEAM), (ALICE.uid, TEAM), (0, -1)):
        make('f', mode=0o6755)
        os.chown('f', *change)
        equal(mode_of('f'), 0o755, f'chown {change}')
        os.unlink('f')


@test
def chown_by_the_owner_clears_both_bits():
    """chown by the owner takes suid and sgid from a file"""
    make('f', mode=0o6755, owner=ALICE)
    by(ALICE_IN_TEAM, os.chown, 'f', -1, TEAM)
    equal(mode_of('f'), 0o755)


@test
def chown_leaves_directories_their_bits():
    """chown leaves a directory its set-group-id and sticky bits"""
    make_directory('d', 0o7755)
    os.chown('d', ALICE.uid, TEAM)
    equal(mode_of('d'), 0o7755)


@test
def fchown_clears_both_bits():
    """fchown takes suid and sgid away as chown does"""
    make('f', mode=0o6755)
    with opened('f') as fd:
        os.fchown(fd, ALICE.uid, TEAM)
    equal(mode_of('f'), 0o755)


@test
def writing_clears_both_bits():
    """A write by a user, also the owner, takes suid and sgid from the file"""
    for user in (ALICE, BOB):
        make('f', b'data', 0o6777, ALICE)
        by(user, put, 'f', b'x')
        equal(mode_of('f'), 0o777, f'by {user}')
        os.unlink('f')


@test
def later_writes_clear_again():
    """Bits set again while the file is open are taken again by the next write"""
    make('f', b'data', 0o777, ALICE)

    def body():
        with opened('f', os.O_WRONLY) as fd:
            for _ in range(2):
                os.fchmod(fd, 0o4777)
                os.write(fd, b'x')
                equal(mode_of('f'), 0o777)

    by(ALICE, body)


@test
def sgid_without_x_stays_with_members():
    """Set-group-id without x for the group is left to a writer who is in the group"""
    make('f', b'data', 0o2666, User(ALICE.uid, TEAM))
    by(ALICE_IN_TEAM, put, 'f', b'x')
    equal(mode_of('f'), 0o2666)


@test
def root_writes_and_the_bits_stay():
    """A write or truncation by root leaves suid and sgid"""
    make('f', b'data', 0o6777, ALICE)
    put('f', b'x')
    os.truncate('f', 2)
    with opened('f', os.O_WRONLY | os.O_TRUNC):
        pass
    equal(mode_of('f'), 0o6777)


@test
def truncating_clears_both_bits():
    """truncate, ftruncate and O_TRUNC by a user take suid and sgid away"""
    def ftruncate():
        with opened('f', os.O_WRONLY) as fd:
            os.ftruncate(fd, 2)

    def open_truncating():
        os.close(os.open('f', os.O_WRONLY | os.O_TRUNC))

    for way in (lambda: os.truncate('f', 2), ftruncate, open_truncating):
        make('f', b'data', 0o6777, ALICE)
        by(BOB, way)
        equal(mode_of('f'), 0o777)
        os.unlink('f')


@test
def allocating_clears_both_bits():
    """fallocate by a user takes suid and sgid away"""
    make('f', b'data', 0o6777, ALICE)

    def body():
        with opened('f', os.O_WRONLY) as fd:
            fallocate(fd, 0, 0, 8192)

    by(BOB, body)
    equal(mode_of('f'), 0o777)


@test
def capabilities_go_with_a_write():
    """A write, a truncation and a chown take security.capability from a file"""
    def change_owner():
        os.chown('f', BOB.uid, -1)

    for user, way in ((ALICE, lambda: put('f', b'x')), (ALICE, lambda: os.truncate('f', 1)), (User(0, 0), change_owner)):
        make('f', b'data', 0o755, ALICE)
        os.setxattr('f', 'security.capability', CAPABILITY)
        by(user, way)
        equal(os.listxattr('f'), [])
        os.unlink('f')


@test
def suid_programs_run_as_their_owner():
    """A set-user-id program runs as its owner, a set-group-id one with its group"""
    if os.statvfs('.').f_flag & os.ST_NOSUID:
        skip('mounted nosuid')
    shutil.copy('/usr/bin/id', 'id')
    os.chmod('.', 0o755)
    os.chown('id', ALICE.uid, TEAM)
    os.chmod('id', 0o6755)
    run = lambda option: by(BOB, subprocess.check_output, ['./id', option]).strip()
    equal((run('-u'), run('-ru'), run('-g')), (b'%d' % ALICE.uid, b'%d' % BOB.uid, b'%d' % TEAM))
