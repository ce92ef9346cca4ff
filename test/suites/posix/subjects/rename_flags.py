"""renameat2: RENAME_NOREPLACE and RENAME_EXCHANGE."""

import errno
import os

from harness.expect import equal, exists, refused
from harness.files import content, make
from harness.libc import RENAME_EXCHANGE, RENAME_NOREPLACE, renameat2
from harness.registry import test


@test
def noreplace_takes_free_names():
    """RENAME_NOREPLACE renames files and directories to names that are free"""
    make('f', b'data')
    os.makedirs('d/e')
    renameat2('f', 'd/g', RENAME_NOREPLACE)
    renameat2('d', 'h', RENAME_NOREPLACE)
    equal((content('h/g'), os.listdir('.')), (b'data', ['h']))


@test
def noreplace_refuses_taken_names():
    """RENAME_NOREPLACE is EEXIST for whatever is there, also a dangling symlink, an empty directory, another name of the file, itself"""
    make('f', b'data')
    make('g', b'other')
    os.link('f', 'h')
    os.symlink('missing', 's')
    os.mkdir('d')
    os.mkdir('e')
    for source, target in (('f', 'g'), ('f', 'h'), ('f', 's'), ('f', 'd'), ('d', 'e'), ('f', 'f'), ('d', 'f')):
        refused(errno.EEXIST, renameat2, source, target, RENAME_NOREPLACE)
    equal((content('f'), content('g'), len(os.listdir('.'))), (b'data', b'other', 6))
    refused(errno.ENOENT, renameat2, 'missing', 'new', RENAME_NOREPLACE)


@test
def exchange_files():
    """RENAME_EXCHANGE exchanges two files"""
    os.mkdir('d')
    make('f', b'one')
    make('d/g', b'two')
    inodes = os.stat('f').st_ino, os.stat('d/g').st_ino
    renameat2('f', 'd/g', RENAME_EXCHANGE)
    equal((content('f'), content('d/g'), os.stat('d/g').st_ino, os.stat('f').st_ino), (b'two', b'one', *inodes))


@test
def exchange_different_kinds():
    """RENAME_EXCHANGE exchanges a file with a directory that is not empty, and link counts follow"""
    os.makedirs('a/d/inner')
    os.mkdir('b')
    make('b/f', b'data')
    renameat2('a/d', 'b/f', RENAME_EXCHANGE)
    equal((content('a/d'), os.listdir('b/f')), (b'data', ['inner']))
    equal((os.stat('a').st_nlink, os.stat('b').st_nlink, os.stat('b/f/..').st_ino), (2, 3, os.stat('b').st_ino))
    os.symlink('x', 's')
    renameat2('s', 'b', RENAME_EXCHANGE)
    equal((os.readlink('b'), os.listdir('s')), ('x', ['f']))


@test
def exchange_directories():
    """RENAME_EXCHANGE exchanges directories that are not empty, within one and between two"""
    os.makedirs('a/one/1')
    os.makedirs('a/two/2')
    os.makedirs('b/three/3')
    renameat2('a/one', 'a/two', RENAME_EXCHANGE)
    renameat2('a/one', 'b/three', RENAME_EXCHANGE)
    equal((os.listdir('a/one'), os.listdir('a/two'), os.listdir('b/three')), (['3'], ['1'], ['2']))


@test
def exchange_with_nothing():
    """RENAME_EXCHANGE needs both names: ENOENT"""
    make('f')
    refused(errno.ENOENT, renameat2, 'f', 'missing', RENAME_EXCHANGE)
    refused(errno.ENOENT, renameat2, 'missing', 'f', RENAME_EXCHANGE)
    equal((exists('f'), exists('missing')), (True, False))


@test
def exchange_with_what_is_above():
    """RENAME_EXCHANGE of a directory with something in it is EINVAL, both ways"""
    os.makedirs('d/e/f')
    make('d/e/g')
    for inner in ('d/e', 'd/e/f', 'd/e/g'):
        refused(errno.EINVAL, renameat2, 'd', inner, RENAME_EXCHANGE)
        refused(errno.EINVAL, renameat2, inner, 'd', RENAME_EXCHANGE)


@test
def exchange_of_one_file():
    """RENAME_EXCHANGE of two names of one file, or of a name with itself, changes nothing"""
    make('f', b'data')
    os.link('f', 'g')
    renameat2('f', 'g', RENAME_EXCHANGE)
    renameat2('f', 'f', RENAME_EXCHANGE)
    equal((content('f'), content('g'), os.stat('f').st_nlink), (b'data', b'data', 2))


@test
def flags_that_are_not():
    """Both flags together, and unknown ones, are EINVAL"""
    make('f')
    make('g')
    for flags in (RENAME_NOREPLACE | RENAME_EXCHANGE, 8, 1 << 20):
        refused(errno.EINVAL, renameat2, 'f', 'g', flags)
