"""Which of mtime and ctime each call moves, of what it touches and of its parents: these, and no others."""

import os
import time

from harness.expect import check, equal, skip
from harness.files import MiB, content, make, opened, put, write_all
from harness.libc import RENAME_EXCHANGE, TMPFS, fallocate, filesystem_type, renameat2
from harness.registry import test

BOTH, CTIME, NONE = 'mc', 'c', ''


def moved(call, **wanted):
    """After `call` exactly these times have moved: moved(call, f='mc', d='c', e='')."""
    before = {path: os.lstat(path) for path in wanted}
    time.sleep(0.02)
    call()
    for path, times in wanted.items():
        after = os.lstat(path)
        found = ''.join(
            letter
            for letter, field in (('m', 'st_mtime_ns'), ('c', 'st_ctime_ns'))
            if getattr(after, field) != getattr(before[path], field)
        )
        equal(found, times, f'moved of {path}')
        for field in ('st_mtime_ns', 'st_ctime_ns'):
            if getattr(after, field) != getattr(before[path], field):
                check(abs(getattr(after, field) - time.time_ns()) < 5 * 10**9, f'{field} of {path} is not now')


def directories(*names):
    for name in names:
        os.mkdir(name)


@test
def a_new_object_has_the_time_of_its_making():
    """All three times of something new are the same instant, now"""
    before = time.time_ns() - 10**9
    make('f')
    os.close(os.open('g', os.O_CREAT | os.O_WRONLY))
    os.mkdir('d')
    os.symlink('f', 's')
    os.mkfifo('p')
    for path in 'gdsp':
        status = os.lstat(path)
        times = {status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns}
        equal(len(times), 1, f'times of {path}')
        check(before < times.pop() < time.time_ns() + 10**9, path)


@test
def making_moves_the_parent():
    """Making anything moves mtime and ctime of its directory, and of no other"""
    directories('d', 'e', 'd/inner')
    for call in (
        lambda: make('d/f'), lambda: os.mkdir('d/g'), lambda: os.symlink('x', 'd/s'), lambda: os.mkfifo('d/p'),
        lambda: os.close(os.open('d/o', os.O_CREAT)),
    ):
        moved(call, d=BOTH, e=NONE, **{'d/inner': NONE, '.': NONE})


@test
def opening_moves_nothing():
    """Opening what is there, with O_CREAT too, and closing moves nothing"""
    directories('d')
    make('d/f', b'data')
    moved(lambda: os.close(os.open('d/f', os.O_RDWR | os.O_CREAT)), d=NONE, **{'d/f': NONE})
    moved(lambda: content('d/f'), d=NONE, **{'d/f': NONE})
    moved(lambda: os.listdir('d'), d=NONE)


@test
def linking_moves_parent_and_ctime():
    """link moves the directory of the new name, and ctime of the file"""
    directories('d', 'e')
    make('d/f')
    moved(lambda: os.link('d/f', 'e/g'), d=NONE, e=BOTH, **{'d/f': CTIME})


@test
def unlinking_moves_parent_and_ctime():
    """unlink moves its directory, and ctime of the file if it has another name"""
    directories('d', 'e')
    make('d/f')
    os.link('d/f', 'e/g')
    moved(lambda: os.unlink('d/f'), d=BOTH, e=NONE, **{'e/g': CTIME})
    with opened('e/g') as fd:
        before = os.fstat(fd).st_ctime_ns
        time.sleep(0.02)
        os.unlink('e/g')
        check(os.fstat(fd).st_ctime_ns > before, 'ctime of an open file stays when it loses its last name')


@test
def removing_a_directory_moves_the_parent():
    """rmdir moves the parent directory"""
    os.makedirs('d/e')
    moved(lambda: os.rmdir('d/e'), d=BOTH)


@test
def renaming_moves_both_parents():
    """rename moves both directories and ctime of what is renamed, not its mtime"""
    directories('d', 'e', 'd/sub')
    make('d/f')
    moved(lambda: os.rename('d/f', 'd/g'), d=BOTH, e=NONE)
    before = os.stat('d/g')
    time.sleep(0.02)
    moved(lambda: os.rename('d/g', 'e/g'), d=BOTH, e=BOTH)
    after = os.stat('e/g')
    equal((after.st_mtime_ns, after.st_ctime_ns > before.st_ctime_ns), (before.st_mtime_ns, True), 'of the file')
    moved(lambda: os.rename('d/sub', 'e/sub'), d=BOTH, e=BOTH)


@test
def renaming_over_moves_ctime_of_the_replaced():
    """rename over a file with another name moves ctime of that file"""
    make('f')
    make('g')
    os.link('g', 'other')
    moved(lambda: os.rename('f', 'g'), other=CTIME, **{'.': BOTH})


@test
def exchanging_moves_both():
    """RENAME_EXCHANGE moves both directories, and ctime of both"""
    directories('d', 'e')
    make('d/f')
    make('e/g')
    before = os.stat('d/f').st_ctime_ns, os.stat('e/g').st_ctime_ns
    moved(lambda: renameat2('d/f', 'e/g', RENAME_EXCHANGE), d=BOTH, e=BOTH)
    check(os.stat('e/g').st_ctime_ns > before[0] and os.stat('d/f').st_ctime_ns > before[1], 'ctime stays')


@test
def renaming_onto_itself_moves_nothing():
    """rename onto itself, or another name of the same file, moves nothing"""
    make('f')
    os.link('f', 'g')
    moved(lambda: os.rename('f', 'f'), f=NONE, **{'.': NONE})
    moved(lambda: os.rename('f', 'g'), f=NONE, **{'.': NONE})


@test
def writing_moves_mtime_and_ctime():
    """write moves mtime and ctime of the file, not of its directory; a write of nothing moves nothing"""
    make('f', b'data')
    moved(lambda: put('f', b'x'), f=BOTH, **{'.': NONE})
    moved(lambda: put('f', b'more', os.O_WRONLY | os.O_APPEND), f=BOTH)
    moved(lambda: put('f', b''), f=NONE)


@test
def times_hold_still_after_a_write():
    """mtime and ctime seen after a write are those seen after close, after fsync, after reading and later"""
    def times(status):
        return status.st_mtime_ns, status.st_ctime_ns

    for size in (4, 3 * MiB):
        with opened('f', os.O_CREAT | os.O_RDWR) as fd:
            write_all(fd, b'x' * size)
            first = times(os.fstat(fd))
            time.sleep(0.05)
            os.fsync(fd)
            equal(times(os.fstat(fd)), first, f'after fsync of {size} bytes')
            time.sleep(0.05)
        equal(times(os.stat('f')), first, f'after close of {size} bytes')
        content('f')
        equal(times(os.stat('f')), first, f'after reading {size} bytes')
        time.sleep(0.3)
        equal(times(os.stat('f')), first, f'later, of {size} bytes')


@test
def truncating_moves_mtime_and_ctime():
    """Truncation moves mtime and ctime, O_TRUNC of an empty file too"""
    make('f', b'data')
    moved(lambda: os.truncate('f', 2), f=BOTH, **{'.': NONE})
    moved(lambda: os.truncate('f', 9), f=BOTH)
    moved(lambda: os.close(os.open('f', os.O_WRONLY | os.O_TRUNC)), f=BOTH, **{'.': NONE})
    moved(lambda: os.close(os.open('f', os.O_WRONLY | os.O_TRUNC)), f=BOTH)


@test
def ftruncate_to_the_same_size_moves_both():
    """ftruncate to the size that a file has moves mtime and ctime"""
    make('f', b'data')
    with opened('f', os.O_WRONLY) as fd:
        moved(lambda: os.ftruncate(fd, 4), f=BOTH)


@test
def allocating_moves_ctime():
    """fallocate that grows a file moves its ctime"""
    make('f', b'data')
    with opened('f', os.O_WRONLY) as fd:
        before = os.fstat(fd).st_ctime_ns
        time.sleep(0.02)
        fallocate(fd, 0, 0, MiB)
        check(os.fstat(fd).st_ctime_ns > before, 'ctime stays')


@test
def attributes_move_ctime_only():
    """chmod, chown and xattrs move ctime of the object, and nothing of its directory"""
    make('f', b'data')
    directories('d')
    for path in ('f', 'd'):
        moved(lambda: os.chmod(path, 0o700), **{path: CTIME, '.': NONE})
        moved(lambda: os.chmod(path, 0o700), **{path: CTIME})
        moved(lambda: os.chown(path, 5, 5), **{path: CTIME, '.': NONE})


@test
def xattrs_move_ctime_only():
    """Setting and removing an extended attribute moves ctime only"""
    make('f', b'data')
    moved(lambda: os.setxattr('f', 'trusted.a', b'1'), f=CTIME, **{'.': NONE})
    moved(lambda: os.setxattr('f', 'trusted.a', b'2'), f=CTIME)
    moved(lambda: os.removexattr('f', 'trusted.a'), f=CTIME)
    moved(lambda: os.listxattr('f'), f=NONE)


@test
def a_refused_call_moves_nothing():
    """A call that fails moves nothing"""
    directories('d', 'd/e')
    make('d/e/f', b'data')

    def calls():
        for call in (
            lambda: os.rmdir('d/e'), lambda: os.mkdir('d/e'), lambda: os.unlink('d/missing'), lambda: os.rename('d/e', 'd/e/x'),
            lambda: os.link('d/e/f', 'd/e'), lambda: os.open('d/e/f', os.O_CREAT | os.O_EXCL),
        ):
            try:
                call()
                raise AssertionError('it was not refused')
            except OSError:
                pass

    moved(calls, d=NONE, **{'d/e': NONE, 'd/e/f': NONE})


@test
def writing_through_a_mapping_moves_mtime():
    """What is written through a shared mapping moves mtime and ctime by msync at the latest"""
    if filesystem_type() == TMPFS:
        skip('tmpfs does not')
    import mmap
    make('f', b'x' * 4096)
    with opened('f', os.O_RDWR) as fd, mmap.mmap(fd, 4096) as memory:
        def write():
            memory[0] = 65
            memory.flush()
            os.fsync(fd)

        moved(write, f=BOTH)
