"""fsync, fdatasync, syncfs and writes that wait."""

import os

from harness.expect import equal
from harness.files import MiB, content, make, opened
from harness.libc import syncfs
from harness.registry import test


@test
def files_and_directories():
    """fsync and fdatasync work on files, also read-only ones, and on directories"""
    for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        with opened('f', flags) as fd:
            if flags != os.O_RDONLY:
                os.write(fd, b'data')
            os.fsync(fd)
            os.fdatasync(fd)
    os.mkdir('d')
    with opened('d', os.O_RDONLY | os.O_DIRECTORY) as fd:
        os.fsync(fd)
        os.fdatasync(fd)
    equal(content('f'), b'data')


@test
def the_whole_file_system():
    """syncfs and sync work while files are open and written"""
    with opened('f', os.O_RDWR | os.O_CREAT) as fd:
        os.write(fd, b'x' * MiB)
        syncfs(fd)
        os.write(fd, b'y' * MiB)
    with opened('.', os.O_RDONLY) as fd:
        syncfs(fd)
    equal(os.stat('f').st_size, 2 * MiB)


@test
def o_sync_and_o_dsync():
    """Writes with O_SYNC and O_DSYNC are there"""
    for flag in (os.O_SYNC, os.O_DSYNC):
        with opened('f', os.O_CREAT | os.O_RDWR | os.O_TRUNC | flag) as fd:
            for number in range(5):
                os.write(fd, b'%d' % number * 1000)
            equal(os.pread(fd, 3, 999), b'011')
        equal(os.stat('f').st_size, 5000)


@test
def after_the_name_is_gone():
    """fsync of a file without a name works"""
    make('f', b'data')
    with opened('f', os.O_RDWR) as fd:
        os.write(fd, b'more')
        os.unlink('f')
        os.fsync(fd)
