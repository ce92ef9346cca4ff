"""flock(2)."""

import errno
import fcntl
import os

from harness.expect import equal, refused
from harness.files import make, opened
from harness.people import Child
from harness.registry import test

from .locking import Holder

SH, EX, UN, NB = fcntl.LOCK_SH, fcntl.LOCK_EX, fcntl.LOCK_UN, fcntl.LOCK_NB


def can(kind):
    """Whether another process gets this lock now."""
    def attempt():
        with opened('f') as fd:
            try:
                fcntl.flock(fd, kind | NB)
                return True
            except OSError as error:
                equal(error.errno, errno.EWOULDBLOCK)
                return False

    return Child(attempt).result()


@test
def shared_and_exclusive():
    """Shared locks go together, an exclusive one goes with none; the access mode does not matter"""
    make('f')
    for flags in (os.O_RDONLY, os.O_WRONLY):
        with opened('f', flags) as fd:
            fcntl.flock(fd, SH)
            equal((can(SH), can(EX)), (True, False))
            fcntl.flock(fd, EX)
            equal((can(SH), can(EX)), (False, False))
            fcntl.flock(fd, SH)
            equal((can(SH), can(EX)), (True, False))
            fcntl.flock(fd, UN)
            equal(can(EX), True)


@test
def locks_belong_to_the_open_file():
    """A lock belongs to what open returned: two opens of one process exclude, dup and fork share"""
    make('f')
    with opened('f') as one, opened('f') as two:
        fcntl.flock(one, EX)
        refused(errno.EWOULDBLOCK, fcntl.flock, two, EX | NB)
        same = os.dup(one)
        fcntl.flock(same, EX | NB)
        Child(lambda: fcntl.flock(one, EX | NB)).result()
        os.close(same)
        equal(can(SH), False, 'after one descriptor was closed')
        Child(lambda: fcntl.flock(one, UN)).result()
        equal(can(EX), True, 'after a child unlocked')


@test
def closing_gives_it_up():
    """Closing the last descriptor gives a lock up, closing another open of the file does not"""
    make('f')
    fd = os.open('f', os.O_RDONLY)
    fcntl.flock(fd, EX)
    os.close(os.open('f', os.O_RDONLY))
    equal(can(SH), False)
    os.close(fd)
    equal(can(EX), True)


@test
def dying_gives_it_up():
    """A process that is killed gives its lock up"""
    make('f')
    holder = Holder(lambda: fcntl.flock(os.open('f', os.O_RDONLY), EX))
    equal(can(SH), False)
    holder.kill()
    equal(can(EX), True)


@test
def a_failed_upgrade():
    """An upgrade that can't be had at once is refused"""
    make('f')
    holder = Holder(lambda: fcntl.flock(os.open('f', os.O_RDONLY), SH))
    with opened('f') as fd:
        fcntl.flock(fd, SH)
        refused(errno.EWOULDBLOCK, fcntl.flock, fd, EX | NB)
        holder.kill()
        fcntl.flock(fd, EX | NB)


@test
def directories_and_unlinked_files():
    """Directories can be locked, and files without a name"""
    os.mkdir('d')
    make('f')
    with opened('d') as one, opened('d') as two, opened('f') as file:
        fcntl.flock(one, EX)
        refused(errno.EWOULDBLOCK, fcntl.flock, two, SH | NB)
        os.unlink('f')
        fcntl.flock(file, EX)
        with opened(f'/proc/self/fd/{file}') as again:
            refused(errno.EWOULDBLOCK, fcntl.flock, again, SH | NB)


@test
def apart_from_record_locks():
    """flock and fcntl locks do not exclude one another"""
    make('f')
    with opened('f', os.O_RDWR) as fd:
        fcntl.flock(fd, EX)
        Child(lambda: fcntl.lockf(os.open('f', os.O_RDWR), EX | NB)).result()
        fcntl.lockf(fd, EX | NB)
        equal(can(SH), False)
