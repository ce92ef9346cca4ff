"""Symbolic links."""

import errno
import os

from harness.expect import check, equal, exists, refused, skip
from harness.files import content, make, mode_of, opened
from harness.libc import XFS, filesystem_type
from harness.registry import test


@test
def targets_are_kept_as_they_are():
    """A symlink holds any text, to the byte, and its size is its length"""
    for number, target in enumerate((b'x', b'/abs/olute', b'a//b/./../c/', b'\xff\xfe', b'with space\n', b'..', b'x' * 255)):
        os.symlink(target, b'%d' % number)
        equal(os.readlink(b'%d' % number), target)
        equal(os.lstat(b'%d' % number).st_size, len(target))
        equal(mode_of(b'%d' % number), 0o777)


@test
def targets_of_4095_bytes():
    """A target may have 4095 bytes, not 4096, and not none"""
    if filesystem_type() == XFS:
        skip('xfs ends at 1023')
    for length in (1023, 1024, 4000, 4094, 4095):
        target = 't' * length
        os.symlink(target, f's{length}')
        equal((os.readlink(f's{length}'), os.lstat(f's{length}').st_size), (target, length))
    refused(errno.ENAMETOOLONG, os.symlink, 't' * 4096, 's')
    refused(errno.ENOENT, os.symlink, '', 's')


@test
def they_are_followed():
    """A symlink stands for its target, relative to where the link is"""
    os.makedirs('a/b')
    make('a/f', b'data')
    os.symlink('../f', 'a/b/s')
    os.symlink('a/b', 'd')
    equal((content('a/b/s'), content('d/s')), (b'data', b'data'))
    os.symlink(os.getcwd() + '/a', 'absolute')
    equal(content('absolute/f'), b'data')
    equal(os.path.realpath('d/s'), os.getcwd() + '/a/f')
    os.chdir('d')
    equal(os.path.basename(os.getcwd()), 'b')


@test
def loops():
    """A loop is ELOOP, and so is a row of more than 40 symlinks"""
    os.symlink('self', 'self')
    os.symlink('b', 'a')
    os.symlink('a', 'b')
    for path in ('self', 'a', 'self/x'):
        for call, *args in ((os.stat,), (os.open, os.O_RDONLY), (os.open, os.O_CREAT | os.O_WRONLY), (os.chmod, 0)):
            refused(errno.ELOOP, call, path, *args)
    make('s0', b'data')
    for number in range(1, 42):
        os.symlink(f's{number - 1}', f's{number}')
    equal(content('s40'), b'data')
    refused(errno.ELOOP, content, 's41')


@test
def o_nofollow():
    """O_NOFOLLOW refuses a symlink with ELOOP; with O_PATH it opens the link itself"""
    make('f')
    os.symlink('f', 's')
    refused(errno.ELOOP, os.open, 's', os.O_RDONLY | os.O_NOFOLLOW)
    with opened('s', os.O_PATH | os.O_NOFOLLOW) as fd:
        equal((os.fstat(fd).st_ino, os.readlink('', dir_fd=fd)), (os.lstat('s').st_ino, 'f'))


@test
def dangling():
    """A symlink to nothing is there, leads nowhere, and is filled by O_CREAT but not with O_EXCL"""
    os.symlink('target', 's')
    check(exists('s'), 'not there')
    refused(errno.ENOENT, os.stat, 's')
    refused(errno.EEXIST, os.open, 's', os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    refused(errno.EEXIST, os.mkdir, 's')
    os.close(os.open('s', os.O_CREAT | os.O_WRONLY))
    check(exists('target'), 'target was not made')


@test
def removing_and_renaming_reach_the_link():
    """unlink and rename act on the symlink, not on its target"""
    os.mkdir('d')
    make('f', b'data')
    for target in ('d', 'f'):
        os.symlink(target, 's')
        refused(errno.ENOTDIR, os.rmdir, 's')
        os.rename('s', 't')
        equal(os.readlink('t'), target)
        os.unlink('t')
    os.symlink('d', 's')
    make('g', b'new')
    os.rename('g', 's')
    equal((content('s'), os.listdir('d'), content('f')), (b'new', [], b'data'))


@test
def readlink_of_others():
    """readlink of what is no symlink is EINVAL"""
    make('f')
    os.mkdir('d')
    refused(errno.EINVAL, os.readlink, 'f')
    refused(errno.EINVAL, os.readlink, 'd')
