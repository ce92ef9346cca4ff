"""Extended attributes."""

import errno
import os

from harness.expect import check, equal, refused
from harness.files import make, opened
from harness.libc import getxattr, listxattr, setxattr
from harness.registry import test

NAMESPACES = ['user', 'trusted', 'security']


@test
def set_get_list_remove():
    """Attributes of user., trusted. and security. are set, read, listed and removed, of files and directories"""
    make('f')
    os.mkdir('d')
    for path in ('f', 'd'):
        for space in NAMESPACES:
            os.setxattr(path, f'{space}.one', b'1')
            os.setxattr(path, f'{space}.two', b'22')
            equal((os.getxattr(path, f'{space}.one'), os.getxattr(path, f'{space}.two')), (b'1', b'22'))
        equal(set(os.listxattr(path)), {f'{space}.{name}' for space in NAMESPACES for name in ('one', 'two')})
        for space in NAMESPACES:
            os.removexattr(path, f'{space}.one')
        equal(set(os.listxattr(path)), {f'{space}.two' for space in NAMESPACES})


@test
def values_of_all_kinds():
    """Values are bytes of any kind and length, also none"""
    make('f')
    for value in (b'', b'\0', b'a\0b', bytes(range(256)), b'x' * 1500):
        os.setxattr('f', 'user.a', value)
        equal(os.getxattr('f', 'user.a'), value)
    for name in ('user.' + 'n' * 250, 'user.é', 'user.with space', 'user..', 'user.a.b'):
        os.setxattr('f', name, b'v')
        equal(os.getxattr('f', name), b'v')


@test
def create_and_replace():
    """XATTR_CREATE refuses what is there with EEXIST, XATTR_REPLACE what is not with ENODATA"""
    make('f')
    refused(errno.ENODATA, os.setxattr, 'f', 'user.a', b'1', os.XATTR_REPLACE)
    os.setxattr('f', 'user.a', b'1', os.XATTR_CREATE)
    refused(errno.EEXIST, os.setxattr, 'f', 'user.a', b'2', os.XATTR_CREATE)
    equal(os.getxattr('f', 'user.a'), b'1')
    os.setxattr('f', 'user.a', b'2', os.XATTR_REPLACE)
    equal(os.getxattr('f', 'user.a'), b'2')
    refused(errno.EINVAL, setxattr, 'f', b'user.a', b'3', 8)


@test
def what_is_not_there():
    """Reading or removing an attribute that is not there is ENODATA; of no file, ENOENT"""
    make('f')
    for space in NAMESPACES:
        refused(errno.ENODATA, os.getxattr, 'f', f'{space}.a')
        refused(errno.ENODATA, os.removexattr, 'f', f'{space}.a')
    refused(errno.ENOENT, os.getxattr, 'm', 'user.a')
    refused(errno.ENOENT, os.setxattr, 'm', 'user.a', b'')
    equal(os.listxattr('f'), [])


@test
def sizes_are_asked_for():
    """A size of 0 asks for the length, a buffer that is too small is ERANGE"""
    make('f')
    equal(listxattr('f', 0), 0)
    os.setxattr('f', 'user.a', b'0123456789')
    equal((getxattr('f', 'user.a', 0), getxattr('f', 'user.a', 10), getxattr('f', 'user.a', 100)), (10, 10, 10))
    refused(errno.ERANGE, getxattr, 'f', 'user.a', 9)
    equal((listxattr('f', 0), listxattr('f', 7)), (7, 7))
    refused(errno.ERANGE, listxattr, 'f', 6)
    os.setxattr('f', 'user.empty', b'')
    equal(getxattr('f', 'user.empty', 5), 0)


@test
def limits():
    """Names of more than 255 bytes are ERANGE, values of more than 64 KiB E2BIG"""
    make('f')
    refused(errno.ERANGE, setxattr, 'f', b'user.' + b'n' * 251, b'v')
    refused(errno.ERANGE, os.getxattr, 'f', 'user.' + 'n' * 251)
    refused(errno.E2BIG, os.setxattr, 'f', 'user.a', bytes(65537))
    try:
        os.setxattr('f', 'user.a', b'x' * 65536)
        equal(os.getxattr('f', 'user.a'), b'x' * 65536)
    except OSError as error:
        check(error.errno in (errno.ENOSPC, errno.E2BIG), f'{error}')
        equal(os.listxattr('f'), [])


@test
def more_than_fits():
    """Past what a file can hold setting is ENOSPC, E2BIG or EDQUOT, and what was set stays"""
    make('f')
    kept = {}
    for number in range(300):
        value = b'%04d' % number * 500
        try:
            os.setxattr('f', f'user.{number}', value)
        except OSError as error:
            check(error.errno in (errno.ENOSPC, errno.E2BIG, errno.EDQUOT), f'{error}')
            break
        kept[f'user.{number}'] = value
    check(len(kept) >= 1, 'none')
    equal({name: os.getxattr('f', name) for name in os.listxattr('f')}, kept)


@test
def names_without_a_namespace():
    """Unknown namespaces, and none, are EOPNOTSUPP; a namespace alone EINVAL or EOPNOTSUPP"""
    make('f')
    for name in (b'plain', b'foo.bar', b'.a', b'userx.a'):
        refused(errno.EOPNOTSUPP, setxattr, 'f', name, b'v')
        refused(errno.EOPNOTSUPP, getxattr, 'f', name.decode(), 10)
    refused((errno.EINVAL, errno.EOPNOTSUPP), setxattr, 'f', b'user.', b'v')
    refused((errno.ERANGE, errno.EINVAL, errno.EOPNOTSUPP), setxattr, 'f', b'', b'v')


@test
def symlinks_and_special_files():
    """user. attributes are for files and directories: EPERM elsewhere, where trusted. ones are taken"""
    make('f')
    os.symlink('f', 's')
    os.mkfifo('p')
    for path in ('s', 'p'):
        refused(errno.EPERM, os.setxattr, path, 'user.a', b'v', follow_symlinks=False)
        os.setxattr(path, 'trusted.a', b'v', follow_symlinks=False)
        equal((os.getxattr(path, 'trusted.a', follow_symlinks=False), os.listxattr(path, follow_symlinks=False)), (b'v', ['trusted.a']))
    equal(os.listxattr('f'), [])
    os.setxattr('s', 'user.a', b'v')
    equal(os.getxattr('f', 'user.a'), b'v')


@test
def they_belong_to_the_inode():
    """Attributes go with the file through links, renames and descriptors, and end with it"""
    make('f')
    os.link('f', 'g')
    with opened('f') as fd:
        os.setxattr(fd, 'user.a', b'v')
        os.rename('f', 'h')
        equal((os.getxattr('g', 'user.a'), os.getxattr('h', 'user.a'), os.listxattr(fd)), (b'v', b'v', ['user.a']))
        os.unlink('g')
        os.unlink('h')
        os.setxattr(fd, 'user.b', b'w')
        equal((os.getxattr(fd, 'user.a'), os.getxattr(fd, 'user.b')), (b'v', b'w'))
    make('f')
    equal(os.listxattr('f'), [])
