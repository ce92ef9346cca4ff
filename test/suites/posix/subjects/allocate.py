"""fallocate in its modes."""

import errno
import os

from harness.expect import check, equal, refused, skip
from harness.files import CHUNK, KiB, MiB, content, make, opened, read_at
from harness.libc import COLLAPSE_RANGE, INSERT_RANGE, KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE, fallocate
from harness.registry import test


def allocate(fd, mode, offset, length):
    try:
        fallocate(fd, mode, offset, length)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        skip(f'fallocate mode {mode} is not supported')


@test
def it_makes_files_grow():
    """fallocate makes a file at least that large; what is new is zeros, what was there stays"""
    make('f', b'data')
    with opened('f', os.O_RDWR) as fd:
        fallocate(fd, 0, 0, 10_000)
        equal(read_at(fd, 20_000, 0), b'data' + bytes(9996))
        fallocate(fd, 0, 2, 3000)
        equal(os.fstat(fd).st_size, 10_000)
        fallocate(fd, 0, CHUNK - 1000, 2000)
        equal((os.fstat(fd).st_size, read_at(fd, 3000, CHUNK - 1500)), (CHUNK + 1000, bytes(2500)))


@test
def it_takes_space():
    """What is allocated is taken: st_blocks has it"""
    with opened('f', os.O_CREAT | os.O_RDWR) as fd:
        fallocate(fd, 0, 0, 3 * MiB)
        check(os.fstat(fd).st_blocks * 512 >= 3 * MiB, f'{os.fstat(fd).st_blocks} blocks')


@test
def keep_size():
    """With KEEP_SIZE the size stays, and nothing shows beyond it"""
    make('f', b'data')
    with opened('f', os.O_RDWR) as fd:
        allocate(fd, KEEP_SIZE, 0, MiB)
        equal((os.fstat(fd).st_size, content('f')), (4, b'data'))
        os.pwrite(fd, b'x', 9)
        equal(content('f'), b'data' + bytes(5) + b'x')


@test
def punch_hole():
    """PUNCH_HOLE makes zeros of a range and leaves the size and all around it"""
    data = os.urandom(300 * KiB)
    for offset, length in ((0, 10), (100, 5000), (4096, 8192), (131_000, 100_000), (290 * KiB, MiB), (0, 300 * KiB)):
        make('f', data)
        with opened('f', os.O_RDWR) as fd:
            allocate(fd, PUNCH_HOLE | KEEP_SIZE, offset, length)
            wanted = bytearray(data)
            wanted[offset:offset + length] = bytes(min(length, len(data) - offset))
            check(read_at(fd, MiB, 0) == wanted, f'{length} bytes at {offset}')
        check(content('f') == wanted, 'after close')
        os.unlink('f')


@test
def punching_gives_space_back():
    """What is punched is given back, across chunks, and is a hole"""
    with opened('f', os.O_CREAT | os.O_RDWR) as fd:
        os.pwrite(fd, os.urandom(4 * MiB), CHUNK - 2 * MiB)
        os.fsync(fd)
        before = os.fstat(fd).st_blocks * 512
        allocate(fd, PUNCH_HOLE | KEEP_SIZE, CHUNK - MiB, 2 * MiB)
        os.fsync(fd)
        after = os.fstat(fd).st_blocks * 512
        check(after <= before - 2 * MiB + 512 * KiB, f'{before} bytes before, {after} after')
        check(os.lseek(fd, CHUNK, os.SEEK_DATA) >= CHUNK + MiB, 'the hole is data')


@test
def zero_range():
    """ZERO_RANGE makes zeros, and the file grow; with KEEP_SIZE it does not grow"""
    make('f', b'x' * 10_000)
    with opened('f', os.O_RDWR) as fd:
        allocate(fd, ZERO_RANGE, 100, 5000)
        equal(content('f'), b'x' * 100 + bytes(5000) + b'x' * 4900)
        fallocate(fd, ZERO_RANGE | KEEP_SIZE, 9000, 5000)
        equal(content('f'), b'x' * 100 + bytes(5000) + b'x' * 3900 + bytes(1000))
        fallocate(fd, ZERO_RANGE, 9999, 2001)
        equal(os.fstat(fd).st_size, 12_000)


@test
def other_modes():
    """Other modes are refused with EOPNOTSUPP, or do what they say"""
    make('f', b'x' * 16384)
    with opened('f', os.O_RDWR) as fd:
        refused(errno.EOPNOTSUPP, fallocate, fd, PUNCH_HOLE, 0, 10)
        refused(errno.EOPNOTSUPP, fallocate, fd, 1 << 20, 0, 10)
        equal(content('f'), b'x' * 16384)
        for mode, size in ((COLLAPSE_RANGE, 12288), (INSERT_RANGE, 16384)):
            before = content('f')
            try:
                fallocate(fd, mode, 4096, 4096)
                equal(os.fstat(fd).st_size, size)
            except OSError as error:
                equal((error.errno, content('f')), (errno.EOPNOTSUPP, before))


@test
def wrong_arguments():
    """No length and a negative offset are EINVAL, a read-only descriptor EBADF, a fifo ESPIPE"""
    make('f', b'data')
    os.mkfifo('p')
    with opened('f', os.O_RDWR) as fd:
        refused(errno.EINVAL, fallocate, fd, 0, 0, 0)
        refused(errno.EINVAL, fallocate, fd, 0, -1, 10)
        refused(errno.EFBIG, fallocate, fd, 0, 2**63 - 10, 100)
    with opened('f') as fd:
        refused(errno.EBADF, fallocate, fd, 0, 0, 10)
    with opened('p', os.O_RDWR) as fd:
        refused(errno.ESPIPE, fallocate, fd, 0, 0, 10)
    equal(content('f'), b'data')
