"""fcntl locks: ranges, owners, and who is in the way."""

import errno
import fcntl
import os

from harness.expect import check, equal, refused
from harness.files import make, opened
from harness.people import Child
from harness.registry import test

from .locking import F_OFD_GETLK, F_OFD_SETLK, READ, UNLOCK, WRITE, Found, Holder, find, lock

AGAIN = (errno.EAGAIN, errno.EACCES)


def seen(start=0, length=0, kind=WRITE):
    """(kind, start, length) of what another process would find in its way, in order."""
    def look():
        found, at = [], start
        with opened('f', os.O_RDWR) as fd:
            while hit := find(fd, kind, at, 0):
                found.append(hit[:3])
                if hit.length == 0:
                    break
                at = hit.start + hit.length
        return found

    return Child(look).result()


@test
def readers_and_writers():
    """Read locks go together, a write lock excludes, and only where ranges overlap"""
    make('f')
    with opened('f', os.O_RDWR) as fd:
        lock(fd, READ, 0, 100)
        lock(fd, WRITE, 100, 100)

        def other():
            with opened('f', os.O_RDWR) as own:
                lock(own, READ, 50, 50)
                refused(AGAIN, lock, own, READ, 50, 51)
                refused(AGAIN, lock, own, WRITE, 99, 1)
                refused(AGAIN, lock, own, WRITE, 199, 1)
                lock(own, WRITE, 200, 0)

        Child(other).result()


@test
def who_is_in_the_way():
    """F_GETLK tells kind, range and process of a lock in the way, and nothing where none is"""
    make('f')
    holder = Holder(lambda: lock(os.open('f', os.O_RDWR), WRITE, 10, 20))
    with opened('f', os.O_RDWR) as fd:
        equal(find(fd, READ, 0, 0), Found(WRITE, 10, 20, holder.pid))
        equal(find(fd, WRITE, 29, 5), Found(WRITE, 10, 20, holder.pid))
        equal((find(fd, WRITE, 0, 10), find(fd, WRITE, 30, 0)), (None, None))
        lock(fd, WRITE, 100, 1)
        equal(find(fd, WRITE, 100, 1), None, "one's own lock")
    holder.kill()


@test
def ranges_merge_and_split():
    """Locks of a process merge where they touch, and split where part is unlocked or changed"""
    make('f')
    with opened('f', os.O_RDWR) as fd:
        lock(fd, WRITE, 0, 10)
        lock(fd, WRITE, 20, 10)
        equal(seen(), [(WRITE, 0, 10), (WRITE, 20, 10)])
        lock(fd, WRITE, 10, 10)
        equal(seen(), [(WRITE, 0, 30)])
        lock(fd, UNLOCK, 12, 3)
        equal(seen(), [(WRITE, 0, 12), (WRITE, 15, 15)])
        lock(fd, READ, 5, 2)
        equal(seen(), [(WRITE, 0, 5), (READ, 5, 2), (WRITE, 7, 5), (WRITE, 15, 15)])
        lock(fd, READ, 0, 0)
        equal(seen(), [(READ, 0, 0)])
        lock(fd, UNLOCK, 10, 5)
        equal(seen(), [(READ, 0, 10), (READ, 15, 0)])
        lock(fd, UNLOCK)
        equal(seen(), [])


@test
def upgrade_and_downgrade():
    """A read lock becomes a write lock if nobody else reads, and back"""
    make('f')
    holder = Holder(lambda: lock(os.open('f', os.O_RDWR), READ, 0, 10))
    with opened('f', os.O_RDWR) as fd:
        lock(fd, READ, 0, 10)
        refused(AGAIN, lock, fd, WRITE, 0, 10)
        holder.kill()
        equal(seen(), [(READ, 0, 10)])
        lock(fd, WRITE, 0, 10)
        equal(seen(), [(WRITE, 0, 10)])
        lock(fd, READ, 0, 10)
        equal(seen(), [(READ, 0, 10)])


@test
def from_the_offset_and_from_the_end():
    """A range is told from the start, the offset or the end, and may lead backwards"""
    make('f', b'x' * 100)
    with opened('f', os.O_RDWR) as fd:
        os.lseek(fd, 50, os.SEEK_SET)
        lock(fd, WRITE, 5, 5, whence=os.SEEK_CUR)
        lock(fd, WRITE, -10, 5, whence=os.SEEK_END)
        lock(fd, READ, 30, -10)
        equal(seen(), [(READ, 20, 10), (WRITE, 55, 5), (WRITE, 90, 5)])
        refused(errno.EINVAL, lock, fd, WRITE, -1, 1)
        lock(fd, WRITE, 2**50, 10)
        equal(seen(2**40), [(WRITE, 2**50, 10)])


@test
def far_beyond_any_file():
    """The largest offsets can be locked: a range there keeps others out of it, and of nothing before it"""
    make('f')
    with opened('f', os.O_RDWR) as fd:
        lock(fd, WRITE, 2**62, 10)
        # Where numbers are rounded a lock may end a little later than asked for.
        (kind, start, length), = seen()
        equal((kind, start), (WRITE, 2**62))
        check(10 <= length <= 4096, f'{length} bytes')
        lock(fd, UNLOCK, 2**62, 10)
        equal(seen(), [])
        lock(fd, READ, 5, 2**63 - 1 - 5)
        equal(seen()[0][:2], (READ, 5))


@test
def the_access_mode_matters():
    """A read lock needs a descriptor open for reading, a write lock one for writing: EBADF"""
    make('f')
    with opened('f') as fd:
        refused(errno.EBADF, lock, fd, WRITE)
    with opened('f', os.O_WRONLY) as fd:
        refused(errno.EBADF, lock, fd, READ)


@test
def closing_any_descriptor_gives_all_up():
    """Closing any descriptor of the file gives up all locks of the process on it"""
    make('f')
    with opened('f', os.O_RDWR) as fd:
        lock(fd, WRITE, 0, 10)
        os.close(os.open('f', os.O_RDONLY))
        equal(seen(), [])
        lock(fd, WRITE, 0, 10)
        os.close(os.dup(fd))
        equal(seen(), [])


@test
def a_child_does_not_have_them():
    """A forked child does not have its parent's locks, nor does its close give them up"""
    make('f')
    with opened('f', os.O_RDWR) as fd:
        lock(fd, WRITE)

        def child():
            refused(AGAIN, lock, fd, WRITE)
            os.close(fd)

        Child(child).result()
        equal(seen(), [(WRITE, 0, 0)])


@test
def dying_gives_them_up():
    """A process that is killed gives its locks up"""
    make('f')
    holder = Holder(lambda: lock(os.open('f', os.O_RDWR), WRITE))
    equal(seen(), [(WRITE, 0, 0)])
    holder.kill()
    equal(seen(), [])


@test
def locks_of_descriptions():
    """Locks of open file descriptions exclude within a process, go with the last descriptor, and see the others"""
    make('f')
    with opened('f', os.O_RDWR) as one, opened('f', os.O_RDWR) as two:
        lock(one, WRITE, 0, 10, F_OFD_SETLK)
        refused(AGAIN, lock, two, WRITE, 5, 1, F_OFD_SETLK)
        refused(AGAIN, lock, two, WRITE, 5, 1)
        equal(find(two, WRITE, 0, 0, F_OFD_GETLK), Found(WRITE, 0, 10, -1))
        os.close(os.open('f', os.O_RDWR))
        equal(seen(), [(WRITE, 0, 10)])
        same = os.dup(one)
        lock(same, UNLOCK, 0, 0, F_OFD_SETLK)
        equal(seen(), [])
        os.close(same)


@test
def lockf():
    """lockf locks from the offset on"""
    make('f', b'x' * 100)
    with opened('f', os.O_RDWR) as fd:
        os.lseek(fd, 20, os.SEEK_SET)
        os.lockf(fd, os.F_TLOCK, 10)
        equal(seen(), [(WRITE, 20, 10)])
        os.lockf(fd, os.F_ULOCK, 5)
        equal(seen(), [(WRITE, 25, 5)])


@test
def hundreds_of_ranges():
    """A process holds hundreds of ranges"""
    make('f')
    with opened('f', os.O_RDWR) as fd:
        for number in range(300):
            lock(fd, WRITE, number * 10, 5)
        equal((len(seen()), find(fd, WRITE)), (300, None))
        lock(fd, UNLOCK, 1000, 1000)
        equal(len(seen()), 200)
        fcntl.lockf(fd, fcntl.LOCK_UN)
        equal(seen(), [])
