"""Who may rename what."""

import errno
import os

from harness.expect import equal, refused
from harness.files import make, make_directory
from harness.libc import RENAME_EXCHANGE, renameat2
from harness.people import ALICE, BOB, User, by
from harness.registry import test


@test
def both_directories_must_be_writable():
    """rename needs w on both directories: EACCES"""
    make_directory('mine', owner=ALICE)
    make_directory('yours', owner=BOB)
    make('mine/f', owner=ALICE)
    make('yours/f', mode=0o666, owner=BOB)
    refused(errno.EACCES, by, ALICE, os.rename, 'mine/f', 'yours/g')
    refused(errno.EACCES, by, ALICE, os.rename, 'mine/f', 'yours/f')
    refused(errno.EACCES, by, ALICE, os.rename, 'yours/f', 'mine/g')


@test
def the_file_needs_no_rights():
    """rename needs no right on the file, nor on the one replaced"""
    make_directory('d', owner=ALICE)
    make('d/f', mode=0, owner=BOB)
    make('d/g', mode=0, owner=BOB)
    by(ALICE, os.rename, 'd/f', 'd/g')
    equal(os.listdir('d'), ['g'])


@test
def a_directory_that_moves_must_be_writable():
    """rename of a directory to another parent needs w on it, since its .. changes; within one it does not"""
    make_directory('a', owner=ALICE)
    make_directory('b', owner=ALICE)
    make_directory('a/d', 0o555, ALICE)
    refused(errno.EACCES, by, ALICE, os.rename, 'a/d', 'b/d')
    by(ALICE, os.rename, 'a/d', 'a/e')
    os.chmod('a/e', 0o755)
    by(ALICE, os.rename, 'a/e', 'b/d')
    equal(os.listdir('b'), ['d'])


@test
def sticky_source():
    """Out of a sticky directory one renames what is one's own: else EPERM"""
    make_directory('t', 0o1777)
    make_directory('d', 0o777)
    make('t/f', owner=ALICE)
    make_directory('t/e', 0o777, ALICE)
    for path in ('f', 'e'):
        refused(errno.EPERM, by, BOB, os.rename, f't/{path}', f'd/{path}')
        by(ALICE, os.rename, f't/{path}', f'd/{path}')


@test
def sticky_target():
    """In a sticky directory one replaces what is one's own: else EPERM"""
    make_directory('t', 0o1777)
    make('t/mine', owner=ALICE)
    make('t/yours', owner=BOB)
    refused(errno.EPERM, by, ALICE, os.rename, 't/mine', 't/yours')
    refused(errno.EPERM, by, ALICE, renameat2, 't/mine', 't/yours', RENAME_EXCHANGE)
    by(ALICE, os.rename, 't/mine', 't/free')
    os.chown('t', ALICE.uid, -1)
    by(ALICE, os.rename, 't/free', 't/yours')
    equal(os.listdir('t'), ['yours'])
    refused(errno.EPERM, by, User(60009, 60009), os.rename, 't/yours', 't/x')
