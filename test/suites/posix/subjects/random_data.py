"""Random calls, compared after each with the same on bytes in memory."""

import mmap
import os
import random

from harness.expect import check
from harness.files import CHUNK, KiB, MiB, opened, read_at
from harness.libc import KEEP_SIZE, PUNCH_HOLE, fallocate
from harness.registry import test


class Model:
    """A file and what must be in it, from `base` on; below is a hole."""

    def __init__(self, seed, base, size_max, calls):
        self.chance, self.base, self.size_max, self.calls = random.Random(seed), base, size_max, list(calls)
        self.wanted = bytearray()
        self.said = []

    def range(self, limit):
        offset = self.chance.randrange(limit)
        # Half of all ranges begin at a page, where other code runs.
        offset -= offset % 4096 * self.chance.randrange(2)
        return offset, self.chance.randint(1, min(self.chance.choice((10, 5000, 100_000)), limit - offset))

    def grow(self, size):
        self.wanted.extend(bytes(max(0, size - len(self.wanted))))

    def step(self, fd):
        call = self.chance.choice(self.calls)
        offset, length = self.range(self.size_max)
        self.said.append((call, offset, length))
        getattr(self, call)(fd, offset, length)
        size = os.fstat(fd).st_size
        check(size == self.base + len(self.wanted) or not self.wanted, f'the size is {size} after {self.said}')

    def write(self, fd, offset, length):
        data = self.chance.randbytes(length)
        check(os.pwrite(fd, data, self.base + offset) == length, 'a short write')
        self.grow(offset + length)
        self.wanted[offset:offset + length] = data

    def truncate(self, fd, offset, _):
        os.ftruncate(fd, self.base + offset)
        self.grow(offset)
        del self.wanted[offset:]

    def punch(self, fd, offset, length):
        fallocate(fd, PUNCH_HOLE | KEEP_SIZE, self.base + offset, length)
        end = min(offset + length, len(self.wanted))
        if end > offset:
            self.wanted[offset:end] = bytes(end - offset)

    def read(self, fd, offset, length):
        self.compare(read_at(fd, length, self.base + offset), self.wanted[offset:offset + length])

    def map(self, fd, offset, length):
        """Changes some bytes through a shared mapping."""
        end = min(offset + length, len(self.wanted))
        if end <= offset:
            return
        start = (self.base + offset) // 4096 * 4096
        with mmap.mmap(fd, self.base + end - start, offset=start) as memory:
            data = self.chance.randbytes(end - offset)
            at = self.base + offset - start
            self.compare(memory[at:at + len(data)], self.wanted[offset:end])
            memory[at:at + len(data)] = data
            self.wanted[offset:end] = data

    def sync(self, fd, *_):
        os.fsync(fd)

    def compare(self, found, wanted):
        if found != wanted:
            at = next((i for i, (a, b) in enumerate(zip(found, wanted)) if a != b), min(len(found), len(wanted)))
            raise AssertionError(f'differs at {at} of {len(wanted)} ({len(found)} read) after {self.said}')


def run(seed, base, size_max, steps, calls):
    model = Model(seed, base, size_max, calls)
    with opened('f', os.O_CREAT | os.O_RDWR) as fd:
        os.ftruncate(fd, base)
        for _ in range(steps):
            model.step(fd)
        model.compare(read_at(fd, 2 * size_max, base), model.wanted)
    with opened('f') as fd:
        model.compare(read_at(fd, 2 * size_max, base), model.wanted)
    os.unlink('f')


@test(limit=120)
def writes_truncations_and_reads():
    """Random writes, truncations, reads and syncs do what they do in memory"""
    for seed in range(4):
        run(seed, 0, 300 * KiB, 150, ['write', 'write', 'truncate', 'read', 'read', 'sync'])


@test(limit=120)
def with_mappings():
    """Random writes, truncations and reads mixed with shared mappings do what they do in memory"""
    for seed in range(4):
        run(100 + seed, 0, 300 * KiB, 150, ['write', 'truncate', 'read', 'map', 'map'])


@test(limit=120)
def with_holes():
    """Random writes and truncations mixed with punched holes do what they do in memory"""
    for seed in range(4):
        run(200 + seed, 0, 300 * KiB, 150, ['write', 'write', 'truncate', 'read', 'punch', 'sync'])


@test(limit=120)
def around_the_border_of_chunks():
    """Random writes, truncations, holes, mappings and reads around 64 MiB do what they do in memory"""
    for seed in range(3):
        run(300 + seed, CHUNK - 512 * KiB, MiB, 150, ['write', 'write', 'truncate', 'read', 'map', 'punch', 'sync'])
