"""truncate and ftruncate, down and up."""

import errno
import os

from harness.expect import check, equal, refused
from harness.files import CHUNK, KiB, MiB, content, make, opened, read_at
from harness.people import Child
from harness.registry import test


@test
def down_and_up():
    """What was cut off is gone: when the file grows again it is zeros"""
    for size, cut, grown in ((10, 3, 10), (10_000, 4095, 8193), (10_000, 4096, 9000), (300 * KiB, 1, 400 * KiB), (MiB, MiB - 1, MiB), (2 * MiB, 0, MiB)):
        data = os.urandom(size)
        make('f', data)
        os.truncate('f', cut)
        equal(os.stat('f').st_size, cut)
        os.truncate('f', grown)
        check(content('f') == data[:cut] + bytes(grown - cut), f'{size} to {cut} to {grown}')
        os.unlink('f')


@test
def growing_by_a_write():
    """What was cut off is zeros also when a write beyond makes the file grow"""
    for cut in (0, 1, 100, 4096, 5000):
        make('f', b'x' * 10_000)
        with opened('f', os.O_RDWR) as fd:
            os.ftruncate(fd, cut)
            os.pwrite(fd, b'end', 9000)
            equal(read_at(fd, 20_000, 0), b'x' * cut + bytes(9000 - cut) + b'end', f'cut at {cut}')
        os.unlink('f')


@test(limit=120)
def around_the_border_of_chunks():
    """Cut just before, at and after 64 MiB, what comes back is zeros"""
    for cut in (CHUNK - 4097, CHUNK - 1, CHUNK, CHUNK + 1, CHUNK + 5000):
        with opened('f', os.O_CREAT | os.O_RDWR) as fd:
            os.pwrite(fd, b'x' * 20_000, CHUNK - 10_000)
            os.pwrite(fd, b'y' * 100, 2 * CHUNK + 50)
            os.ftruncate(fd, cut)
            equal(os.fstat(fd).st_size, cut)
            os.ftruncate(fd, 2 * CHUNK + 200)
            kept = cut - (CHUNK - 10_000)
            check(read_at(fd, 20_000, CHUNK - 10_000) == (b'x' * kept)[:20_000] + bytes(max(0, 20_000 - kept)), f'cut at {cut}')
            equal(read_at(fd, 200, 2 * CHUNK), bytes(200), f'the chunk after, cut at {cut}')
        os.unlink('f')


@test
def the_size_is_seen_at_once():
    """The new size is seen at once through every name, descriptor and process"""
    make('f', b'x' * 10_000)
    os.link('f', 'g')
    with opened('f') as reader, opened('g', os.O_RDWR) as writer:
        for size in (5000, 0, 20_000, 1):
            os.ftruncate(writer, size)
            equal((os.fstat(reader).st_size, os.stat('g').st_size, Child(os.stat, 'f').result().st_size), (size,) * 3)
            equal(len(read_at(reader, 50_000, 0)), size)


@test
def written_and_cut():
    """A truncation comes after the writes before it, and before those after it"""
    with opened('f', os.O_CREAT | os.O_RDWR) as fd:
        for round in range(30):
            os.pwrite(fd, b'%d' % (round % 10) * 50_000, 0)
            os.ftruncate(fd, 100 + round)
            os.pwrite(fd, b'tail', 200)
            equal(read_at(fd, 99_999, 0), b'%d' % (round % 10) * (100 + round) + bytes(100 - round) + b'tail')


@test
def what_can_not_be_truncated():
    """truncate refuses directories, fifos, negative sizes and what is not there"""
    os.mkdir('d')
    os.mkfifo('p')
    make('f', b'data')
    refused(errno.EISDIR, os.truncate, 'd', 0)
    refused(errno.EINVAL, os.truncate, 'p', 0)
    refused(errno.EINVAL, os.truncate, 'f', -1)
    refused(errno.ENOENT, os.truncate, 'm', 0)
    refused(errno.ENOTDIR, os.truncate, 'f/x', 0)
    equal(content('f'), b'data')
