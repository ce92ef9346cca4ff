"""O_DIRECT, beside the page cache."""

import errno
import mmap
import os

from harness.expect import check, equal, skip
from harness.files import CHUNK, MiB, content, make, opened
from harness.registry import test

PAGE = 4096


def open_direct(flags):
    try:
        return os.open('f', flags | os.O_DIRECT, 0o644)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        skip('O_DIRECT is not supported')


def aligned(data):
    buffer = mmap.mmap(-1, len(data))
    buffer[:] = data
    return buffer


@test
def aligned_blocks():
    """Aligned blocks written with O_DIRECT are read back, with and without it"""
    data = os.urandom(MiB + 4 * PAGE)
    fd = open_direct(os.O_CREAT | os.O_RDWR)
    for offset in (0, CHUNK - MiB):
        equal(os.pwrite(fd, aligned(data), offset), len(data))
        buffer = mmap.mmap(-1, len(data))
        equal(os.preadv(fd, [buffer], offset), len(data))
        check(buffer[:] == data, f'at {offset}')
        with opened('f') as other:
            check(os.pread(other, PAGE, offset) == data[:PAGE], f'through the cache at {offset}')


@test
def with_the_page_cache():
    """What is written through the cache is read with O_DIRECT, and the other way round"""
    make('f', b'a' * (4 * PAGE))
    equal(content('f')[:1], b'a')
    fd = open_direct(os.O_RDWR)
    with opened('f', os.O_RDWR) as cached, mmap.mmap(cached, 4 * PAGE) as memory:
        buffer = mmap.mmap(-1, PAGE)
        os.pwrite(cached, b'b' * PAGE, PAGE)
        os.preadv(fd, [buffer], PAGE)
        equal(buffer[:3], b'bbb')
        os.pwrite(fd, aligned(b'c' * PAGE), 2 * PAGE)
        equal((os.pread(cached, 3, 2 * PAGE), memory[2 * PAGE:2 * PAGE + 3]), (b'ccc', b'ccc'))


@test
def at_the_end():
    """O_DIRECT reads are short at the end, and writes make the file grow"""
    make('f', b'x' * (PAGE + 512))
    fd = open_direct(os.O_RDWR)
    buffer = mmap.mmap(-1, 4 * PAGE)
    equal(os.preadv(fd, [buffer], 0), PAGE + 512)
    os.pwrite(fd, aligned(b'y' * PAGE), 2 * PAGE)
    equal((os.fstat(fd).st_size, content('f')[PAGE + 512:2 * PAGE]), (3 * PAGE, bytes(PAGE - 512)))
