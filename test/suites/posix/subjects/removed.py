"""Directories that are removed while somebody is in them or has them open."""

import errno
import os

from harness.expect import equal, refused
from harness.files import make, opened
from harness.registry import test


@test
def a_removed_working_directory():
    """In a working directory that was removed nothing can be made, nothing is listed, and getcwd is ENOENT"""
    os.mkdir('d')
    os.chdir('d')
    os.rmdir('../d')
    equal(os.listdir('.'), [])
    refused(errno.ENOENT, os.getcwd)
    for call, *args in ((os.mkdir, 'x'), (os.open, 'x', os.O_CREAT), (os.symlink, 'x', 'y'), (os.mkfifo, 'x'), (os.stat, 'x')):
        refused(errno.ENOENT, call, *args)
    os.chdir('..')
    equal(os.listdir('.'), [])


@test
def an_open_directory_that_is_removed():
    """A directory removed while open has no links, lists nothing and takes nothing"""
    os.mkdir('d')
    with opened('d', os.O_RDONLY | os.O_DIRECTORY) as fd:
        os.rmdir('d')
        equal((os.fstat(fd).st_nlink, os.listdir(fd)), (0, []))
        refused(errno.ENOENT, os.open, 'f', os.O_CREAT | os.O_WRONLY, dir_fd=fd)
        refused(errno.ENOENT, os.mkdir, 'e', dir_fd=fd)
        make('f')
        refused(errno.ENOENT, os.rename, 'f', 'g', dst_dir_fd=fd)
        refused(errno.ENOENT, os.link, 'f', 'g', dst_dir_fd=fd)


@test
def a_directory_replaced_by_rename():
    """A directory replaced by rename while open is as one removed"""
    os.mkdir('d')
    os.mkdir('e')
    make('e/f')
    with opened('d', os.O_RDONLY | os.O_DIRECTORY) as fd:
        os.rename('e', 'd')
        equal((os.fstat(fd).st_nlink, os.listdir(fd), os.listdir('d')), (0, [], ['f']))


@test
def its_name_is_free():
    """The name of a removed working directory is free for another, and the two stay apart"""
    os.mkdir('d')
    with opened('d', os.O_RDONLY | os.O_DIRECTORY) as fd:
        os.rmdir('d')
        os.mkdir('d')
        make('d/f')
        equal((os.listdir(fd), os.listdir('d')), ([], ['f']))
