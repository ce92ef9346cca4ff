"""Bytes: where they are written, there they are read."""

import errno
import os
import resource
import signal

from harness.expect import check, equal, refused
from harness.files import CHUNK, GiB, KiB, MiB, content, make, opened, read_at, write_all
from harness.registry import test


@test
def reading_ends_at_the_end():
    """A read is short at the end of a file, and beyond it reads nothing"""
    make('f', b'0123456789')
    with opened('f') as fd:
        equal([os.pread(fd, 4, 0), os.pread(fd, 100, 6), os.pread(fd, 1, 10), os.pread(fd, 1, 5 * GiB)], [b'0123', b'6789', b'', b''])


@test
def offsets():
    """lseek moves as told, and refuses to go before the start"""
    make('f', b'0123456789')
    with opened('f') as fd:
        equal([os.lseek(fd, 3, os.SEEK_SET), os.read(fd, 1), os.lseek(fd, 2, os.SEEK_CUR), os.lseek(fd, -2, os.SEEK_END), os.read(fd, 9)], [3, b'3', 6, 8, b'89'])
        refused(errno.EINVAL, os.lseek, fd, -1, os.SEEK_SET)
        refused(errno.EINVAL, os.lseek, fd, 0, 77)
        equal(os.lseek(fd, 2**40, os.SEEK_SET), 2**40)


@test
def every_size():
    """Files of all sizes around pages, requests and blocks come back as they were written"""
    sizes = [size + delta for size in (0, 512, 4 * KiB, 64 * KiB, 128 * KiB, MiB, 2 * MiB) for delta in (-1, 0, 1) if size + delta >= 0]
    pattern = os.urandom(64 * KiB) * 33
    for size in sizes:
        make(f'f{size}', pattern[:size])
    for size in sizes:
        equal((os.stat(f'f{size}').st_size, content(f'f{size}') == pattern[:size]), (size, True), f'{size} bytes')


@test
def overwriting():
    """A write in the middle changes these bytes only, within pages and across them"""
    data = bytearray(os.urandom(300 * KiB))
    make('f', data)
    with opened('f', os.O_RDWR) as fd:
        for offset, length in ((0, 1), (4095, 2), (100_000, 50_000), (131_071, 3), (299 * KiB, KiB), (5, 4096)):
            piece = os.urandom(length)
            os.pwrite(fd, piece, offset)
            data[offset:offset + length] = piece
            check(read_at(fd, 400 * KiB, 0) == data, f'after {length} at {offset}')
    check(content('f') == data, 'after close')


@test(limit=120)
def across_the_border_of_chunks():
    """Writes and reads across the border of 64 MiB, and of 128 MiB, are whole"""
    with opened('f', os.O_CREAT | os.O_RDWR) as fd:
        for border in (CHUNK, 2 * CHUNK):
            piece = os.urandom(3 * MiB)
            equal(os.pwrite(fd, piece, border - MiB - 7), 3 * MiB)
            check(read_at(fd, 3 * MiB, border - MiB - 7) == piece, f'at {border}')
        os.fsync(fd)
        equal(os.fstat(fd).st_size, 2 * CHUNK + 2 * MiB - 7)
        check(read_at(fd, MiB, CHUNK + 10 * MiB) == bytes(MiB), 'the hole is not zeros')
    with opened('f') as fd:
        check(read_at(fd, 3 * MiB, 2 * CHUNK - MiB - 7) == piece, 'after close')


@test
def beyond_4_gib():
    """Files go beyond 4 GiB, and what lies at one offset is not at its lower 32 bits"""
    with opened('f', os.O_CREAT | os.O_RDWR) as fd:
        os.pwrite(fd, b'start', 0)
        for offset in (2 * GiB - 2, 4 * GiB - 2, 5 * GiB, 9 * GiB + 1):
            os.pwrite(fd, b'piece', offset)
            equal((read_at(fd, 5, offset), os.fstat(fd).st_size), (b'piece', offset + 5))
        equal(read_at(fd, 7, 0), b'start\0\0')
        equal(os.lseek(fd, 0, os.SEEK_END), 9 * GiB + 6)
    equal(os.stat('f').st_size, 9 * GiB + 6)


@test
def the_largest_file():
    """Past the largest size writes and truncations are EFBIG, and change nothing"""
    make('f', b'data')
    with opened('f', os.O_RDWR) as fd:
        for size in (2**50, 2**60, 2**63 - 1):
            try:
                os.ftruncate(fd, size)
            except OSError as error:
                equal(error.errno, errno.EFBIG)
                equal((os.fstat(fd).st_size, read_at(fd, 9, 0)), (4, b'data'))
                refused(errno.EFBIG, os.pwrite, fd, b'x', size - 1)
                equal(os.fstat(fd).st_size, 4)
            else:
                equal(os.fstat(fd).st_size, size)
                os.ftruncate(fd, 4)
        refused(errno.EINVAL, os.ftruncate, fd, -1)
        refused((errno.EINVAL, errno.EFBIG), os.pwrite, fd, b'xx', 2**63 - 1)


@test
def the_limit_of_a_process():
    """Past RLIMIT_FSIZE a write is cut short, then EFBIG with SIGXFSZ"""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
    with opened('f', os.O_CREAT | os.O_RDWR) as fd:
        equal(os.write(fd, b'x' * 12_000), 10_000)
        refused(errno.EFBIG, os.write, fd, b'x')
        refused(errno.EFBIG, os.ftruncate, fd, 10_001)
        equal(os.fstat(fd).st_size, 10_000)


@test
def vectors():
    """readv and writev, also at offsets, take many buffers as one"""
    with opened('f', os.O_CREAT | os.O_RDWR) as fd:
        parts = [os.urandom(n) for n in (1, 5000, 0, 70_000, 3)]
        equal(os.writev(fd, parts), 75_004)
        equal(os.pwritev(fd, [b'ab', b'cd'], 4), 4)
        whole = bytearray(b''.join(parts))
        whole[4:8] = b'abcd'
        buffers = [bytearray(n) for n in (70_000, 10_000)]
        equal(os.preadv(fd, buffers, 0), 75_004)
        check(b''.join(buffers)[:75_004] == whole, 'differs')


@test
def a_write_of_nothing():
    """A write of no bytes changes nothing, also beyond the end"""
    make('f', b'data')
    with opened('f', os.O_WRONLY) as fd:
        equal((os.write(fd, b''), os.pwrite(fd, b'', 1000), os.fstat(fd).st_size), (0, 0, 4))


@test
def many_small_writes():
    """Small writes one after the other add up"""
    with opened('f', os.O_CREAT | os.O_WRONLY) as fd:
        for number in range(3000):
            write_all(fd, b'%7d\n' % number)
    equal(content('f'), b''.join(b'%7d\n' % number for number in range(3000)))


@test
def descending_writes():
    """A file written from its end to its start is whole"""
    pieces = [os.urandom(10_000) for _ in range(40)]
    with opened('f', os.O_CREAT | os.O_WRONLY) as fd:
        for number in reversed(range(40)):
            os.pwrite(fd, pieces[number], number * 10_000)
    check(content('f') == b''.join(pieces), 'differs')
