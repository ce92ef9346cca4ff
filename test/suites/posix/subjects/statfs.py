"""What statfs tells of space and inodes."""

import os
import time

from harness.expect import check, equal, skip
from harness.files import MiB, make, opened, write_all
from harness.registry import test


@test
def numbers_make_sense():
    """Free is at most all, what users get at most what is free, and names may have 255 bytes"""
    status = os.statvfs('.')
    check(status.f_bsize >= 512 and status.f_frsize >= 512, f'{status}')
    check(status.f_blocks > 0 and status.f_blocks >= status.f_bfree >= status.f_bavail >= 0, f'{status}')
    check(status.f_files >= status.f_ffree >= 0, f'{status}')
    equal(status.f_namemax, 255)


@test
def every_path_tells_the_same():
    """statfs tells the same of the directory, a file in it, and a descriptor"""
    make('f')
    with opened('f') as fd:
        found = [os.statvfs('.'), os.statvfs('f'), os.fstatvfs(fd)]
    equal(len({(s.f_bsize, s.f_frsize, s.f_blocks, s.f_files, s.f_fsid) for s in found}), 1)


@test(limit=120)
def data_takes_space():
    """Written data lessens what is free, by its size at least"""
    size = 48 * MiB
    for attempt in range(3):
        before = os.statvfs('.')
        with opened(f'f{attempt}', os.O_CREAT | os.O_WRONLY) as fd:
            write_all(fd, os.urandom(size))
            os.fsync(fd)
        until = time.monotonic() + 12
        while time.monotonic() < until:
            after = os.statvfs('.')
            taken = (before.f_bfree - after.f_bfree) * before.f_frsize
            # Others may give space back meanwhile.
            if taken >= size * 0.9:
                return
            time.sleep(0.2)
    raise AssertionError(f'{taken} bytes taken by {size}')


@test(limit=120)
def files_take_inodes():
    """New files lessen the free inodes"""
    if os.statvfs('.').f_files == 0:
        skip('this file system has no number of inodes')
    for attempt in range(3):
        before = os.statvfs('.').f_ffree
        for number in range(200):
            make(f'f{attempt}-{number}')
        until = time.monotonic() + 8
        while time.monotonic() < until:
            if before - os.statvfs('.').f_ffree >= 150:
                return
            time.sleep(0.2)
    raise AssertionError(f'{before - os.statvfs(".").f_ffree} inodes taken by 200 files')
