"""rename, in all its cases."""

import errno
import os
import time

from harness.expect import check, equal, exists, refused
from harness.files import content, make, opened
from harness.people import Child
from harness.registry import test


@test
def a_file_gets_another_name():
    """rename of a file keeps content and inode, and the old name is gone"""
    make('f', b'data')
    os.mkdir('d')
    ino = os.stat('f').st_ino
    for source, target in (('f', 'g'), ('g', 'd/h'), ('d/h', 'd/i')):
        os.rename(source, target)
        equal((content(target), os.stat(target).st_ino, exists(source)), (b'data', ino, False))


@test
def over_a_file():
    """rename over a file replaces it"""
    make('f', b'new')
    make('g', b'old')
    ino = os.stat('f').st_ino
    os.rename('f', 'g')
    equal((content('g'), os.stat('g').st_ino, os.listdir('.')), (b'new', ino, ['g']))


@test
def over_another_name_of_a_third_file():
    """rename over one of two names of a file leaves the other"""
    make('f', b'new')
    make('g', b'old')
    os.link('g', 'h')
    os.rename('f', 'g')
    equal((content('g'), content('h'), os.stat('h').st_nlink), (b'new', b'old', 1))


@test
def onto_itself():
    """rename onto itself does nothing"""
    make('f', b'data')
    os.mkdir('d')
    os.rename('f', 'f')
    os.rename('d', 'd')
    equal((content('f'), sorted(os.listdir('.'))), (b'data', ['d', 'f']))


@test
def between_two_names_of_a_file():
    """rename of one name of a file onto another name of it does nothing: both stay"""
    make('f', b'data')
    os.link('f', 'g')
    os.rename('f', 'g')
    equal((content('f'), content('g'), os.stat('f').st_nlink), (b'data', b'data', 2))


@test
def a_directory_moves_with_all_in_it():
    """rename of a directory moves what is in it, and its .. follows"""
    os.makedirs('a/d/e')
    make('a/d/e/f', b'data')
    os.mkdir('b')
    os.rename('a/d', 'b/g')
    equal((content('b/g/e/f'), os.listdir('a')), (b'data', []))
    equal(os.stat('b/g/..').st_ino, os.stat('b').st_ino)
    os.chdir('b/g/e')
    os.chdir('../..')
    equal(os.path.basename(os.getcwd()), 'b')


@test
def a_working_directory_follows_its_directory():
    """A process whose directory is renamed is still in it, and getcwd says where that is now"""
    os.makedirs('a/d')
    start = os.getcwd()
    os.chdir('a/d')
    os.rename(start + '/a', start + '/b')
    make('f')
    equal((os.getcwd(), os.listdir(start + '/b/d')), (start + '/b/d', ['f']))


@test
def over_an_empty_directory():
    """rename of a directory replaces an empty directory"""
    os.makedirs('d/e')
    os.mkdir('f')
    ino = os.stat('d').st_ino
    os.rename('d', 'f')
    equal((os.stat('f').st_ino, os.listdir('f'), os.listdir('.')), (ino, ['e'], ['f']))


@test
def over_a_directory_that_is_not_empty():
    """rename of a directory over one that is not empty is refused, and nothing has changed"""
    os.makedirs('d/e')
    os.mkdir('f')
    make('f/g', b'data')
    refused((errno.ENOTEMPTY, errno.EEXIST), os.rename, 'd', 'f')
    equal((content('f/g'), os.listdir('d')), (b'data', ['e']))


@test
def between_files_and_directories():
    """A directory does not replace a file (ENOTDIR), nor a file or symlink a directory (EISDIR)"""
    make('f', b'data')
    os.symlink('f', 's')
    os.mkdir('d')
    refused(errno.ENOTDIR, os.rename, 'd', 'f')
    refused(errno.ENOTDIR, os.rename, 'd', 's')
    refused(errno.EISDIR, os.rename, 'f', 'd')
    refused(errno.EISDIR, os.rename, 's', 'd')
    equal(sorted(os.listdir('.')), ['d', 'f', 's'])


@test
def into_itself():
    """rename of a directory into itself, at any depth, is EINVAL; over one above it is ENOTEMPTY"""
    os.makedirs('d/e/f')
    for target in ('d/x', 'd/e/x', 'd/e/f/x', 'd/e', 'd/e/f'):
        refused(errno.EINVAL, os.rename, 'd', target)
    for target in ('d', 'd/e'):
        refused((errno.ENOTEMPTY, errno.EEXIST), os.rename, 'd/e/f', target)
    equal(os.listdir('d/e'), ['f'])


@test
def special_things_too():
    """rename moves symlinks, fifos and sockets, and replaces them"""
    os.symlink('target', 's')
    os.mkfifo('p')
    os.rename('s', 't')
    os.rename('p', 't')
    equal(os.listdir('.'), ['t'])
    make('f', b'data')
    os.rename('f', 't')
    equal(content('t'), b'data')


@test
def open_files_follow():
    """A file that is open is read and written on while it is renamed and replaces another"""
    make('f', b'data')
    make('g', b'old')
    with opened('f', os.O_RDWR) as fd, opened('g') as replaced:
        os.rename('f', 'g')
        os.pwrite(fd, b'D', 0)
        equal((content('g'), os.read(replaced, 9), os.fstat(replaced).st_nlink), (b'Data', b'old', 0))


@test(limit=120)
def the_target_is_never_missing():
    """While a name is replaced again and again, who asks for it always finds the one or the other, whole"""
    make('f', b'0' * 1000)

    def replace():
        until = time.monotonic() + 1
        count = 0
        while time.monotonic() < until:
            count += 1
            make('new', b'%d' % (count % 10) * 1000)
            os.rename('new', 'f')
        return count

    child = Child(replace)
    until = time.monotonic() + 1
    while time.monotonic() < until:
        found = content('f')
        check(len(found) == 1000 and len(set(found)) == 1, f'{len(found)} bytes of {set(found)}')
        os.stat('f')
    check(child.result() > 1, 'not once')


@test(limit=120)
def crossing_renames_do_not_block():
    """Directories moved into one another by four processes at once end in a tree, without a circle"""
    for name in 'abcd':
        os.mkdir(name)

    def shuffle(seed):
        import random
        chance = random.Random(seed)
        for _ in range(60):
            source, target = chance.sample('abcd', 2)
            for attempt in ((source, f'{target}/{source}'), (f'{target}/{source}', source)):
                try:
                    os.rename(*attempt)
                except OSError as error:
                    check(error.errno in (errno.ENOENT, errno.EINVAL, errno.ENOTEMPTY, errno.EEXIST), f'{error}')

    for child in [Child(shuffle, seed) for seed in range(4)]:
        child.result()
    found = [name for _, directories, _ in os.walk('.') for name in directories]
    equal(sorted(found), list('abcd'))
