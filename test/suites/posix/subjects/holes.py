"""Holes: zeros that take no space, and are found."""

import errno
import os

from harness.expect import check, equal, refused
from harness.files import CHUNK, KiB, MiB, make, opened, read_at
from harness.registry import test


def extents(fd):
    """[(start, end)] of data, as SEEK_DATA and SEEK_HOLE tell, with every claim checked."""
    size, found, at = os.fstat(fd).st_size, [], 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as error:
            equal(error.errno, errno.ENXIO)
            break
        check(at <= start < size, f'SEEK_DATA from {at} is {start}')
        end = os.lseek(fd, start, os.SEEK_HOLE)
        check(start < end <= size, f'SEEK_HOLE from {start} is {end}')
        found.append((start, end))
        at = end
    return found


def has_data(fd, written):
    """Each byte written is in an extent, and what is in none reads as zeros."""
    found = extents(fd)
    for start, end in written:
        check(any(a <= start and end <= b for a, b in found), f'{start}..{end} is data, told are {found}')
    at = 0
    for start, end in found + [(os.fstat(fd).st_size, None)]:
        for piece in {at, max(at, start - 64 * KiB)}:
            length = min(64 * KiB, start - piece)
            check(read_at(fd, length, piece) == bytes(length), f'the hole at {piece} has data')
        at = end


@test
def holes_read_as_zeros():
    """What was never written reads as zeros"""
    with opened('f', os.O_CREAT | os.O_RDWR) as fd:
        os.pwrite(fd, b'x', 5000)
        os.pwrite(fd, b'y', 3 * MiB + 1)
        os.ftruncate(fd, 4 * MiB)
        data = read_at(fd, 5 * MiB, 0)
        equal((len(data), data[5000:5001], data[3 * MiB + 1:3 * MiB + 2], data.count(0)), (4 * MiB, b'x', b'y', 4 * MiB - 2))


@test
def data_is_never_called_a_hole():
    """SEEK_DATA and SEEK_HOLE never call data a hole, synced or not, on any chunk"""
    written = [(0, 10), (MiB, MiB + 5000), (CHUNK - 100, CHUNK + 100), (2 * CHUNK + 4095, 2 * CHUNK + 4097), (5 * CHUNK, 5 * CHUNK + 1)]
    with opened('f', os.O_CREAT | os.O_RDWR) as fd:
        for start, end in written:
            os.pwrite(fd, b'x' * (end - start), start)
            has_data(fd, [(start, end)])
        has_data(fd, written)
        os.fsync(fd)
        has_data(fd, written)
    with opened('f') as fd:
        has_data(fd, written)


@test
def a_large_hole_is_found():
    """A hole of a hundred megabytes between data is told"""
    with opened('f', os.O_CREAT | os.O_RDWR) as fd:
        os.pwrite(fd, b'x' * 5000, 0)
        os.pwrite(fd, b'x' * 5000, 200 * MiB)
        os.fsync(fd)
        check(os.lseek(fd, 0, os.SEEK_HOLE) <= 50 * MiB, 'no hole after the start')
        check(os.lseek(fd, 100 * MiB, os.SEEK_DATA) >= 150 * MiB, 'the hole is data')
        check(os.lseek(fd, 100 * MiB, os.SEEK_HOLE) == 100 * MiB, 'within the hole is no hole')


@test
def the_ends():
    """The end of a file is a hole; from the end on both are ENXIO, and so is SEEK_DATA in a last hole"""
    make('f', b'data')
    with opened('f', os.O_RDWR) as fd:
        equal((os.lseek(fd, 0, os.SEEK_DATA), os.lseek(fd, 2, os.SEEK_DATA), os.lseek(fd, 2, os.SEEK_HOLE)), (0, 2, 4))
        for offset in (4, 5, 2**40, -1):
            refused(errno.ENXIO, os.lseek, fd, offset, os.SEEK_DATA)
            refused(errno.ENXIO, os.lseek, fd, offset, os.SEEK_HOLE)
        os.ftruncate(fd, 200 * MiB)
        refused(errno.ENXIO, os.lseek, fd, 100 * MiB, os.SEEK_DATA)
    make('empty')
    with opened('empty') as fd:
        refused(errno.ENXIO, os.lseek, fd, 0, os.SEEK_DATA)
        refused(errno.ENXIO, os.lseek, fd, 0, os.SEEK_HOLE)


@test
def seeking_moves_the_offset():
    """SEEK_DATA moves the offset, and a refused one leaves it"""
    make('f', b'0123456789')
    with opened('f') as fd:
        os.lseek(fd, 3, os.SEEK_DATA)
        equal(os.read(fd, 1), b'3')
        refused(errno.ENXIO, os.lseek, fd, 100, os.SEEK_DATA)
        equal(os.read(fd, 1), b'4')


@test
def blocks_tell_what_is_taken():
    """st_blocks of a hole is small, of data its size, and shrinks with a truncation"""
    with opened('f', os.O_CREAT | os.O_RDWR) as fd:
        def taken():
            os.fsync(fd)
            return os.stat('f').st_blocks * 512

        os.ftruncate(fd, 300 * MiB)
        check(taken() < MiB, f'{taken()} bytes for a hole')
        os.pwrite(fd, os.urandom(2 * MiB), 100 * MiB)
        check(2 * MiB <= taken() <= 4 * MiB, f'{taken()} bytes for 2 MiB')
        os.pwrite(fd, os.urandom(2 * MiB), 100 * MiB)
        check(2 * MiB <= taken() <= 4 * MiB, f'{taken()} bytes for 2 MiB written twice')
        os.ftruncate(fd, 101 * MiB)
        check(taken() < 2 * MiB, f'{taken()} bytes after half of it was cut')
        os.ftruncate(fd, 0)
        check(taken() < MiB, f'{taken()} bytes when empty')
