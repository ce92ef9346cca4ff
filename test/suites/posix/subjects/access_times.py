"""When reading moves the access time: relatime, as Linux has it by default."""

import errno
import os
import time

from harness.expect import check, equal, refused, skip
from harness.files import content, make, opened
from harness.libc import AT_SYMLINK_NOFOLLOW, utimensat
from harness.people import ALICE, BOB, by
from harness.registry import test


def aged(path, atime_age, mtime_age):
    """Sets the times that many seconds back."""
    if os.statvfs('.').f_flag & os.ST_NOATIME:
        skip('mounted noatime')
    now = int(time.time())
    utimensat(path, (now - atime_age, 0), (now - mtime_age, 0), AT_SYMLINK_NOFOLLOW)


def atime_moves(path, call):
    before = os.lstat(path)
    time.sleep(0.02)
    call()
    after = os.lstat(path)
    equal(after.st_mtime_ns, before.st_mtime_ns, 'mtime')
    equal(after.st_ctime_ns, before.st_ctime_ns, 'ctime')
    return after.st_atime_ns != before.st_atime_ns


@test
def the_first_read_after_a_change():
    """A read moves atime when it was not after mtime, and the next read does not"""
    make('f', b'data')
    aged('f', 10, 5)
    check(atime_moves('f', lambda: content('f')), 'the first read does not move it')
    # The file's ctime is of the ageing; once past it, atime is after both.
    check(not atime_moves('f', lambda: content('f')), 'the second read moves it')


@test
def once_a_day():
    """A read moves an atime that is more than a day old"""
    make('f', b'data')
    aged('f', 90_000, 200_000)
    check(atime_moves('f', lambda: content('f')), 'it stays')
    check(abs(os.stat('f').st_atime_ns - time.time_ns()) < 5 * 10**9, 'it is not now')


@test
def it_is_seen_while_the_file_is_open():
    """A read is seen in atime through the same descriptor, before it is closed"""
    make('f', b'data')
    aged('f', 10, 5)
    with opened('f') as fd:
        before = os.fstat(fd).st_atime_ns
        os.read(fd, 10)
        check(os.fstat(fd).st_atime_ns > before, 'it stays')


@test
def listing_is_reading():
    """Listing a directory moves its atime as reading moves a file's"""
    os.mkdir('d')
    make('d/f')
    aged('d', 10, 5)
    check(atime_moves('d', lambda: os.listdir('d')), 'it stays')


@test
def following_is_reading():
    """Reading or following a symlink moves its atime"""
    make('f')
    for call in (lambda: os.readlink('s'), lambda: os.stat('s')):
        os.symlink('f', 's')
        aged('s', 10, 5)
        check(atime_moves('s', call), 'it stays')
        os.unlink('s')


@test
def writing_and_looking_are_not_reading():
    """stat, open without reading, and writing leave atime"""
    make('f', b'data')
    aged('f', 10, 5)
    before = os.stat('f').st_atime_ns
    time.sleep(0.02)
    with opened('f', os.O_RDWR) as fd:
        os.write(fd, b'more')
        os.fsync(fd)
    equal(os.stat('f').st_atime_ns, before)


@test
def o_noatime():
    """O_NOATIME is for the owner, and leaves atime"""
    make('f', b'data', 0o666, ALICE)
    aged('f', 10, 5)

    def read():
        with opened('f', os.O_RDONLY | os.O_NOATIME) as fd:
            os.read(fd, 10)

    check(not atime_moves('f', lambda: by(ALICE, read)), 'it moves')
    refused(errno.EPERM, by, BOB, read)
