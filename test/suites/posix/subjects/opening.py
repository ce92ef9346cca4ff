"""open(2) and its flags."""

import errno
import fcntl
import os

from harness.expect import check, equal, exists, refused
from harness.files import content, make, opened
from harness.people import Child, together
from harness.registry import test


@test
def o_creat_and_o_excl():
    """O_CREAT makes what is not there; with O_EXCL it refuses what is, also a symlink"""
    refused(errno.ENOENT, os.open, 'f', os.O_RDWR)
    os.close(os.open('f', os.O_RDWR | os.O_CREAT | os.O_EXCL))
    os.symlink('f', 's')
    for path in ('f', 's'):
        refused(errno.EEXIST, os.open, path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    os.close(os.open('f', os.O_RDWR | os.O_CREAT))


@test
def o_excl_has_one_winner():
    """Of processes that open one name with O_CREAT and O_EXCL exactly one wins"""
    def attempt(path):
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
            return 1
        except FileExistsError:
            return 0

    for number in range(10):
        equal(sum(together(*[lambda: attempt(f'f{number}')] * 6)), 1)
    for call in (lambda: os.mkdir('d'), lambda: os.link('f0', 'l'), lambda: os.symlink('x', 's')):
        def once():
            try:
                call()
                return 1
            except FileExistsError:
                return 0

        equal(sum(together(*[once] * 6)), 1)


@test
def o_trunc():
    """O_TRUNC empties a file, and nothing else does"""
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_CREAT):
        make('f', b'data')
        os.close(os.open('f', flags))
        equal(content('f'), b'data')
        with opened('f', flags | os.O_TRUNC) as fd:
            equal((os.fstat(fd).st_size, content('f')), (0, b''))
        os.unlink('f')


@test
def o_trunc_is_seen_by_who_has_it_open():
    """Who has the file open sees it emptied and filled anew"""
    make('f', b'old content' * 1000)
    with opened('f') as reader:
        equal(os.pread(reader, 3, 0), b'old')
        with opened('f', os.O_WRONLY | os.O_TRUNC) as writer:
            equal((os.pread(reader, 9, 0), os.fstat(reader).st_size), (b'', 0))
            os.write(writer, b'new')
            equal((os.pread(reader, 9, 0), os.fstat(reader).st_size), (b'new', 3))


@test
def access_mode():
    """What is open for reading only is not written, and the other way round: EBADF"""
    make('f', b'data')
    with opened('f') as fd:
        refused(errno.EBADF, os.write, fd, b'x')
        refused((errno.EBADF, errno.EINVAL), os.ftruncate, fd, 0)
    with opened('f', os.O_WRONLY) as fd:
        refused(errno.EBADF, os.read, fd, 1)
    with opened('.', os.O_RDONLY) as fd:
        refused(errno.EISDIR, os.read, fd, 1)
    equal(content('f'), b'data')


@test
def flags_are_kept():
    """fcntl tells the flags of a descriptor, and sets O_APPEND and O_NONBLOCK"""
    make('f')
    with opened('f', os.O_RDWR | os.O_APPEND) as fd:
        equal(fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_ACCMODE | os.O_APPEND), os.O_RDWR | os.O_APPEND)
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
        equal(fcntl.fcntl(fd, fcntl.F_GETFL) & (os.O_ACCMODE | os.O_APPEND | os.O_NONBLOCK), os.O_RDWR | os.O_NONBLOCK)


@test
def o_path():
    """O_PATH opens what may not be read, for stat and as a place to start from"""
    os.mkdir('d')
    make('d/f', b'data')
    with opened('d', os.O_PATH) as fd:
        equal(os.stat('f', dir_fd=fd).st_size, 4)
    with opened('d/f', os.O_PATH) as fd:
        refused(errno.EBADF, os.read, fd, 1)
        equal(os.fstat(fd).st_ino, os.stat('d/f').st_ino)


@test
def many_descriptors_of_one_file():
    """Descriptors have offsets of their own; dup and fork share one"""
    make('f', b'0123456789')
    with opened('f') as one, opened('f') as two:
        equal((os.read(one, 4), os.read(two, 2)), (b'0123', b'01'))
        same = os.dup(one)
        equal((os.read(same, 2), os.read(one, 2)), (b'45', b'67'))
        Child(lambda: os.lseek(one, 1, os.SEEK_SET)).result()
        equal(os.read(one, 2), b'12')


@test
def hundreds_of_open_files():
    """Hundreds of files are open at once"""
    fds = []
    for number in range(400):
        fds.append(os.open(f'f{number}', os.O_CREAT | os.O_RDWR))
    for number in (0, 200, 399):
        os.write(fds[number], b'%d' % number)
    equal([content(f'f{number}') for number in (0, 200, 399)], [b'0', b'200', b'399'])
    for fd in fds:
        os.close(fd)


@test
def what_one_process_writes_another_reads():
    """What is written is read at once by another process, before close and fsync, size included"""
    fd = os.open('f', os.O_CREAT | os.O_WRONLY)
    for size in range(1, 20):
        os.write(fd, b'%d' % (size % 10) * 5000)
        equal(Child(lambda: (content('f')[-1:], os.stat('f').st_size)).result(), (b'%d' % (size % 10), 5000 * size))
    check(exists('f'), 'gone')
