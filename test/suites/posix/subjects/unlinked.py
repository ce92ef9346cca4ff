"""Files that have lost their name while they are open."""

import mmap
import os

from harness.expect import check, equal, exists
from harness.files import CHUNK, MiB, content, make, opened, read_at
from harness.libc import utimensat
from harness.people import Child
from harness.registry import test


def lose_by_unlink(path):
    os.unlink(path)


def lose_by_rename(path):
    make('usurper', b'usurper')
    os.rename('usurper', path)


def in_both_ways(body):
    for lose in (lose_by_unlink, lose_by_rename):
        make('f', b'before', 0o600)
        with opened('f', os.O_RDWR) as fd:
            lose('f')
            body(fd)
        if exists('f'):
            equal(content('f'), b'usurper', 'what took the name')
            os.unlink('f')


@test
def fstat_says_no_links():
    """fstat of a file without names has no links, and the inode it had"""
    make('f')
    ino = os.stat('f').st_ino
    with opened('f') as fd:
        os.unlink('f')
        equal((os.fstat(fd).st_nlink, os.fstat(fd).st_ino), (0, ino))
    in_both_ways(lambda fd: equal((os.fstat(fd).st_nlink, os.fstat(fd).st_size), (0, 6)))


@test
def it_is_read_and_written():
    """A file without names is read, written and grown"""
    def body(fd):
        equal(os.read(fd, 100), b'before')
        os.write(fd, b' and after')
        os.pwrite(fd, b'end', CHUNK + 5)
        os.fsync(fd)
        equal((read_at(fd, 16, 0), read_at(fd, 9, CHUNK + 5), os.fstat(fd).st_size), (b'before and after', b'end', CHUNK + 8))

    in_both_ways(body)


@test
def its_attributes_are_set():
    """A file without names is truncated, and its mode, owner, times and xattrs are set"""
    def body(fd):
        os.ftruncate(fd, 3)
        os.fchmod(fd, 0o4711)
        os.fchown(fd, 7, 8)
        utimensat(None, (10, 20), (30, 40), fd=fd)
        os.setxattr(fd, 'trusted.a', b'value')
        status = os.fstat(fd)
        equal((status.st_size, status.st_mode & 0o777, status.st_uid, status.st_gid, status.st_mtime_ns), (3, 0o711, 7, 8, 30_000_000_040))
        equal((os.getxattr(fd, 'trusted.a'), read_at(fd, 9, 0)), (b'value', b'bef'))

    in_both_ways(body)


@test
def it_is_opened_again():
    """A file without names is opened again through /proc/self/fd"""
    def body(fd):
        with opened(f'/proc/self/fd/{fd}', os.O_RDWR) as again:
            os.pwrite(again, b'B', 0)
            equal((os.fstat(again).st_ino, read_at(fd, 9, 0)), (os.fstat(fd).st_ino, b'Before'))

    in_both_ways(body)


@test
def it_is_mapped():
    """A file without names is mapped, and a mapping outlives descriptor and name"""
    make('f', b'x' * 8192)
    with opened('f', os.O_RDWR) as fd:
        memory = mmap.mmap(fd, 8192)
        os.unlink('f')
        memory[5000] = 65
        memory.flush()
        equal(os.pread(fd, 3, 4999), b'xAx')
    memory[0] = 66
    equal((memory[0:2], memory[5000:5001]), (b'Bx', b'A'))
    memory.close()


@test
def the_name_is_free():
    """The name of an unlinked open file is free for another, and neither sees the other"""
    make('f', b'old')
    with opened('f', os.O_RDWR) as old:
        os.unlink('f')
        make('f', b'new content')
        os.pwrite(old, b'OLD', 0)
        equal((content('f'), read_at(old, 99, 0)), (b'new content', b'OLD'))
        check(os.fstat(old).st_ino != os.stat('f').st_ino, 'one inode number')


@test
def its_directory_can_be_removed():
    """The directory of an unlinked open file can be removed, and is empty before"""
    os.mkdir('d')
    make('d/f', b'data')
    with opened('d/f', os.O_RDWR) as fd:
        os.unlink('d/f')
        equal(os.listdir('d'), [])
        os.rmdir('d')
        os.write(fd, b'more')
        equal(read_at(fd, 9, 0), b'more')


@test
def another_process_has_it():
    """A file unlinked by one process is there for another that has it open"""
    make('f', b'data' * MiB)
    ready, go = os.pipe(), os.pipe()

    def reader():
        with opened('f') as fd:
            os.write(ready[1], b'x')
            os.read(go[0], 1)
            return os.fstat(fd).st_nlink, read_at(fd, 5 * MiB, 0) == b'data' * MiB

    child = Child(reader)
    os.read(ready[0], 1)
    os.unlink('f')
    os.write(go[1], b'x')
    equal(child.result(), (0, True))


@test
def one_of_two_names():
    """A file that has another name goes on under it"""
    make('f', b'data')
    os.link('f', 'g')
    with opened('f', os.O_RDWR) as fd:
        os.unlink('f')
        os.write(fd, b'DATA')
        equal((os.fstat(fd).st_nlink, content('g')), (1, b'DATA'))
        os.unlink('g')
        equal(os.fstat(fd).st_nlink, 0)
