"""Directories as a stream: ., .., inode numbers, seekdir and rewinddir."""

import errno
import os
import stat

from harness.expect import check, equal, refused
from harness.files import make, opened
from harness.libc import Directory, getdents
from harness.registry import test


def fill(count, directory='d'):
    os.mkdir(directory)
    names = [b'%s/name-%05d' % (directory.encode(), number) for number in range(count)]
    for name in names:
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
    return {os.path.basename(name) for name in names}


@test
def dot_and_dotdot():
    """A listing has . and .., once, with the numbers of the directory and its parent"""
    os.makedirs('d/e')
    with Directory('d/e') as directory:
        entries = list(iter(directory.read, None))
    equal(sorted(name for _, _, name in entries), [b'.', b'..'])
    numbers = {name: (ino, kind) for ino, kind, name in entries}
    equal(numbers, {b'.': (os.stat('d/e').st_ino, 4), b'..': (os.stat('d').st_ino, 4)})


@test
def numbers_and_types():
    """Each entry has the inode number and the type that lstat tells"""
    make('f')
    os.mkdir('d')
    os.symlink('x', 's')
    os.mkfifo('p')
    os.mknod('n', stat.S_IFCHR | 0o600, os.makedev(1, 3))
    os.link('f', 'g')
    with Directory() as directory:
        entries = {name: (ino, kind) for ino, kind, name in iter(directory.read, None)}
    for name in (b'f', b'd', b's', b'p', b'n', b'g'):
        status = os.lstat(name)
        equal(entries[name], (status.st_ino, stat.S_IFMT(status.st_mode) >> 12), name)


@test(limit=120)
def tell_and_seek():
    """seekdir to what telldir gave goes on with the entry that came next there"""
    fill(700)
    with Directory('d') as directory:
        places = []
        while True:
            place = directory.tell()
            entry = directory.read()
            if entry is None:
                break
            places.append((place, entry))
        for index in (0, 1, 2, 350, 650, 701, 150):
            directory.seek(places[index][0])
            equal([directory.read() for _ in range(2)], [entry for _, entry in places[index:index + 2]] + [None] * (index == 701))
        equal(len(places), 702)


@test
def rewind():
    """rewinddir starts again, and shows what has been made and removed since"""
    names = fill(50)
    with Directory('d') as directory:
        equal(set(directory.names()), names)
        make('d/new')
        os.unlink('d/name-00007')
        equal(directory.read(), None)
        directory.rewind()
        equal(set(directory.names()), names - {b'name-00007'} | {b'new'})


@test
def small_buffers():
    """getdents64 with small buffers misses nothing, and one too small is EINVAL"""
    names = fill(300)
    with opened('d', os.O_RDONLY | os.O_DIRECTORY) as fd:
        refused(errno.EINVAL, getdents, fd, 10)
        for size in (64, 333, 100_000):
            os.lseek(fd, 0, os.SEEK_SET)
            found = []
            while entries := getdents(fd, size):
                found += [entry[3] for entry in entries]
            equal(sorted(found), sorted(names | {b'.', b'..'}), f'buffers of {size}')


@test
def two_streams():
    """Two streams of one directory do not disturb each other"""
    names = fill(400)
    with Directory('d') as one, Directory('d') as two:
        first = [one.read() for _ in range(100)]
        equal(set(two.names()), names)
        equal(len(first) + len(list(iter(one.read, None))), 402)


@test
def emptied_behind_ones_back():
    """A stream of a directory that has been emptied and removed ends"""
    fill(5)
    with Directory('d') as directory:
        directory.read()
        for name in os.listdir('d'):
            os.unlink('d/' + name)
        os.rmdir('d')
        while directory.read():
            pass
        directory.rewind()
        check(directory.names() == [], 'it still has entries')
