"""Names and paths: any byte, their limits, dots and slashes."""

import errno
import os
import unicodedata

from harness.expect import check, equal, exists, refused
from harness.files import content, make, put
from harness.registry import test

LONGEST, TOO_LONG = b'n' * 255, b'n' * 256
ENAMETOOLONG = errno.ENAMETOOLONG


@test
def names_of_255_bytes():
    """Names may have 255 bytes, whatever they name"""
    make(LONGEST, b'data')
    equal(os.listdir(b'.'), [LONGEST])
    equal(content(LONGEST), b'data')
    other = b'm' * 255
    for maker in (os.mkdir, os.mkfifo, lambda path: os.symlink('x', path), lambda path: os.link(LONGEST, path)):
        maker(other)
        check(exists(other), 'not there')
        os.rmdir(other) if maker is os.mkdir else os.unlink(other)
    os.rename(LONGEST, other)
    equal(os.listdir(b'.'), [other])


@test
def names_of_256_bytes_are_refused():
    """Names of 256 bytes are ENAMETOOLONG for every call"""
    make('f')
    os.mkdir('d')
    calls = [
        (os.stat, TOO_LONG), (os.lstat, TOO_LONG), (os.open, TOO_LONG, os.O_RDONLY), (os.open, TOO_LONG, os.O_CREAT), (os.mkdir, TOO_LONG),
        (os.mkfifo, TOO_LONG), (os.symlink, 'x', TOO_LONG), (os.link, b'f', TOO_LONG), (os.rename, b'f', TOO_LONG), (os.rename, TOO_LONG, b'g'),
        (os.unlink, TOO_LONG), (os.rmdir, TOO_LONG), (os.readlink, TOO_LONG), (os.chmod, TOO_LONG, 0), (os.chdir, TOO_LONG), (os.stat, b'd/' + TOO_LONG),
        (os.truncate, TOO_LONG, 0), (os.mkdir, TOO_LONG + b'/x'),
    ]
    for call, *args in calls:
        refused(ENAMETOOLONG, call, *args)
    equal(sorted(os.listdir('.')), ['d', 'f'])


@test
def any_byte_but_slash_and_nul():
    """Each byte but / and NUL may stand in a name, also alone, UTF-8 or not"""
    names = {bytes([byte]) for byte in range(1, 256)} - {b'/', b'.'}
    for name in names:
        make(name, name)
    equal(set(os.listdir(b'.')), names)
    for name in names:
        equal(content(name), name)


@test
def names_that_are_not_utf8():
    """Names that are not UTF-8 can be made, linked, renamed, listed and removed"""
    bad = [b'\xff\xfe', b'caf\xe9', b'\xc3', b'\xed\xa0\x80', b'\xf8\x88\x80\x80\x80', b'\xff' * 255, b'a\xc0\xafb']
    for name in bad:
        os.mkdir(name)
        make(name + b'/' + name, b'data')
        os.symlink(name, name + b'/s')
        equal(os.readlink(name + b'/s'), name)
        os.rename(name + b'/' + name, name + b'/\x80')
        equal(set(os.listdir(name)), {b's', b'\x80'})
    equal(set(os.listdir(b'.')), set(bad))


@test
def names_are_bytes_not_characters():
    """Upper and lower case, composed and decomposed letters are different names"""
    names = ['a', 'A', unicodedata.normalize('NFC', 'é'), unicodedata.normalize('NFD', 'é'), 'a ', ' a', 'a\n', '..a', '...', '-rf', '*', 'CON', '\u202e', '\U0001f600']
    for name in names:
        make(name, name.encode())
    equal(set(os.listdir('.')), set(names))
    for name in names:
        equal(content(name), name.encode())


@test
def paths_of_4095_bytes():
    """A path may have 4095 bytes, not 4096"""
    make('f', b'data')
    equal(content('./' * 2047 + 'f'), b'data')
    refused(ENAMETOOLONG, os.stat, './' * 2047 + 'ff')
    deep = '/'.join(['d' * 200] * 20)
    os.makedirs(deep)
    longest = deep + '/' + 'x' * (4095 - len(deep) - 1 - (4095 - len(deep) - 1 - 70))
    os.mkdir(longest)
    check(os.path.isdir(longest), longest)


@test
def trees_of_150_levels():
    """A directory 150 levels deep is reached, and tells where it is"""
    start = os.getcwd()
    for _ in range(150):
        os.mkdir('level')
        os.chdir('level')
    equal(os.getcwd(), start + '/level' * 150)
    make('f')
    for _ in range(150):
        os.chdir('..')
    equal(os.getcwd(), start)


@test
def dots():
    """. and .. can be neither made nor removed"""
    os.mkdir('d')
    for dots in ('d/.', 'd/..'):
        refused(errno.EEXIST, os.mkdir, dots)
    refused(errno.EINVAL, os.rmdir, 'd/.')
    refused(errno.ENOTEMPTY, os.rmdir, 'd/..')
    refused((errno.EISDIR, errno.EPERM), os.unlink, 'd/.')
    refused(errno.EBUSY, os.rename, 'd/.', 'e')
    refused(errno.EBUSY, os.rename, 'd', 'd/..')
    os.chdir('d')
    equal(os.stat('..').st_ino, os.stat('../d/..').st_ino)
    check(os.stat('.').st_ino != os.stat('..').st_ino, 'the same inode')


@test
def trailing_slashes():
    """A slash after a name asks for a directory"""
    make('f')
    os.mkdir('d/')
    refused(errno.ENOTDIR, os.stat, 'f/')
    refused(errno.ENOTDIR, os.open, 'f/', os.O_RDONLY)
    refused(errno.EISDIR, os.open, 'new/', os.O_CREAT | os.O_WRONLY)
    refused(errno.ENOTDIR, os.unlink, 'f/')
    refused(errno.ENOTDIR, os.rename, 'f', 'g/')
    os.rename('d/', 'e/')
    os.rmdir('e///')
    equal(os.listdir('.'), ['f'])


@test
def wrong_kinds():
    """unlink of a directory, rmdir of a file and making what is there are refused"""
    make('f', b'data')
    os.mkdir('d')
    make('d/f')
    refused((errno.EISDIR, errno.EPERM), os.unlink, 'd')
    refused(errno.ENOTDIR, os.rmdir, 'f')
    refused(errno.ENOTEMPTY, os.rmdir, 'd')
    for maker in (os.mkdir, os.mkfifo, lambda path: os.symlink('x', path)):
        for path in ('f', 'd'):
            refused(errno.EEXIST, maker, path)
    equal(content('f'), b'data')


@test
def missing_things():
    """What is not there is ENOENT, for every call"""
    make('f')
    for call, *args in (
        (os.stat, 'm'), (os.open, 'm', os.O_RDWR), (os.unlink, 'm'), (os.rmdir, 'm'), (os.rename, 'm', 'n'), (os.link, 'm', 'n'), (os.readlink, 'm'),
        (os.truncate, 'm', 0), (os.mkdir, 'm/d'), (os.symlink, 'x', 'm/s'), (os.rename, 'f', 'm/f'), (os.link, 'f', 'm/f'), (os.open, 'm/f', os.O_CREAT), (os.stat, ''),
    ):
        refused(errno.ENOENT, call, *args)


@test
def what_was_not_there_is_seen_once_made():
    """A name asked for in vain is seen as soon as it is made, and gone as soon as it is removed"""
    for _ in range(20):
        check(not exists('f'), 'there')
        make('f', b'data')
        equal(content('f'), b'data')
        os.unlink('f')
        os.mkdir('f')
        check(os.path.isdir('f'), 'not a directory')
        os.rmdir('f')


@test
def inode_numbers():
    """Inode numbers tell things apart, and stay through rename, chmod and writing"""
    paths = [make(f'f{i}') for i in range(50)]
    equal(len({os.stat(path).st_ino for path in paths}), 50)
    before = os.stat('f0').st_ino
    os.chmod('f0', 0o600)
    put('f0', b'data')
    os.rename('f0', 'g')
    equal(os.stat('g').st_ino, before)
    equal(len({os.stat(path).st_dev for path in ['g', '.', *paths[1:]]}), 1)


@test
def at_functions():
    """openat, mkdirat, renameat, unlinkat and fstatat start at the directory of a descriptor, wherever it has moved"""
    os.makedirs('a/b')
    fd = os.open('a/b', os.O_RDONLY | os.O_DIRECTORY)
    os.rename('a/b', 'c')
    os.mkdir('d', dir_fd=fd)
    os.close(os.open('f', os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.rename('f', 'g', src_dir_fd=fd, dst_dir_fd=fd)
    os.rmdir('d', dir_fd=fd)
    equal((os.listdir('c'), os.stat('g', dir_fd=fd).st_ino, os.listdir(fd)), (['g'], os.stat('c/g').st_ino, ['g']))
