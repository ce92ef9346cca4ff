"""Hard links and link counts."""

import errno
import os

from harness.expect import check, equal, refused, skip
from harness.files import content, make, mode_of, opened, put
from harness.libc import AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW, linkat
from harness.registry import test


def links(path):
    return os.lstat(path).st_nlink


@test
def directories_count_their_subdirectories():
    """A directory has two links and one more for each directory in it"""
    os.mkdir('d')
    equal(links('d'), 2)
    for number in range(1, 6):
        os.mkdir(f'd/{number}')
        equal(links('d'), 2 + number)
    make('d/f')
    os.symlink('x', 'd/s')
    equal(links('d'), 7)
    os.rmdir('d/1')
    os.unlink('d/f')
    equal(links('d'), 6)
    os.mkdir('e')
    os.rename('d/2', 'e/2')
    equal((links('d'), links('e'), links('e/2')), (5, 3, 2))
    os.rename('d/3', 'e/2')
    equal((links('d'), links('e')), (4, 3), 'after a rename over an empty directory')


@test
def two_names_are_one_file():
    """Two names of a file share content, mode, owner and inode number"""
    make('f', b'data')
    os.mkdir('d')
    os.link('f', 'd/g')
    equal((links('f'), links('d/g'), os.stat('f').st_ino), (2, 2, os.stat('d/g').st_ino))
    put('d/g', b'DA')
    os.chmod('d/g', 0o640)
    equal((content('f'), mode_of('f')), (b'DAta', 0o640))
    os.truncate('f', 1)
    equal((content('d/g'), os.stat('d/g').st_size), (b'D', 1))
    os.unlink('f')
    equal((links('d/g'), content('d/g')), (1, b'D'))


@test
def what_can_not_be_linked():
    """link refuses directories with EPERM, taken names with EEXIST"""
    make('f')
    os.mkdir('d')
    refused(errno.EPERM, os.link, 'd', 'e')
    refused(errno.EEXIST, os.link, 'f', 'f')
    refused(errno.EEXIST, os.link, 'f', 'd')
    refused(errno.ENOTDIR, os.link, 'f', 'f/g')
    equal(links('f'), 1)


@test
def symlinks_and_fifos_can_be_linked():
    """link of a symlink makes another name of the symlink; with AT_SYMLINK_FOLLOW, of its target"""
    make('f')
    os.symlink('f', 's')
    os.mkfifo('p')
    os.link('s', 't', follow_symlinks=False)
    os.link('p', 'q')
    equal((os.readlink('t'), links('s'), links('q'), links('f')), ('f', 2, 2, 1))
    linkat('s', 'g', AT_SYMLINK_FOLLOW)
    equal((links('f'), os.stat('g').st_ino), (2, os.stat('f').st_ino))


@test
def hundreds_of_names():
    """A file may have hundreds of names"""
    make('f', b'data')
    for number in range(400):
        os.link('f', f'name{number}')
    equal((links('f'), content('name399')), (401, b'data'))
    for number in range(400):
        os.unlink(f'name{number}')
    equal(links('f'), 1)


@test(limit=600, large=True)
def too_many_names():
    """Past the limit of names of a file link is EMLINK, and nothing is changed"""
    make('f')
    for number in range(140_000):
        try:
            os.link('f', f'name{number}')
        except OSError as error:
            equal(error.errno, errno.EMLINK)
            equal(links('f'), number + 1)
            os.unlink('name0')
            os.link('f', 'again')
            return
    skip('no limit below 140,000')


@test
def an_open_file_gets_another_name():
    """linkat with AT_EMPTY_PATH, and through /proc/self/fd, names an open file"""
    make('f', b'data')
    with opened('f') as fd:
        linkat('', 'g', AT_EMPTY_PATH, fd)
        linkat(f'/proc/self/fd/{fd}', 'h', AT_SYMLINK_FOLLOW)
    equal((links('f'), content('g'), content('h')), (3, b'data', b'data'))


@test
def an_unlinked_file_gets_no_name():
    """linkat of a file that has lost its last name is ENOENT"""
    make('f', b'data')
    with opened('f') as fd:
        os.unlink('f')
        refused(errno.ENOENT, linkat, '', 'g', AT_EMPTY_PATH, fd)
        refused(errno.ENOENT, linkat, f'/proc/self/fd/{fd}', 'g', AT_SYMLINK_FOLLOW, AT_FDCWD)
        equal(os.fstat(fd).st_nlink, 0)
    equal(os.listdir('.'), [])


@test
def unnamed_files():
    """O_TMPFILE makes a file without a name, which linkat gives one; or it is EOPNOTSUPP"""
    try:
        fd = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o600)
    except OSError as error:
        check(error.errno in (errno.EOPNOTSUPP, errno.EISDIR), f'{error}')
        skip('O_TMPFILE is not supported')
    os.write(fd, b'data')
    equal((os.fstat(fd).st_nlink, os.listdir('.')), (0, []))
    linkat('', 'f', AT_EMPTY_PATH, fd)
    equal((os.fstat(fd).st_nlink, content('f')), (1, b'data'))
