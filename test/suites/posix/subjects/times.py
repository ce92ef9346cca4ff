"""utimensat: every way to set times, who may, and how far they reach."""

import errno
import os
import time

from harness.expect import check, equal, refused, skip
from harness.files import make, opened
from harness.libc import AT_SYMLINK_NOFOLLOW, UTIME_NOW, UTIME_OMIT, utimensat, utimensat_null
from harness.people import ALICE, BOB, by
from harness.registry import test

OLD, OTHER = (1_000_000_000, 123_456_789), (1_100_000_000, 987_654_321)


def ns(pair):
    return pair[0] * 10**9 + pair[1]


def times_of(path):
    status = os.lstat(path)
    return status.st_atime_ns, status.st_mtime_ns


def is_now(value):
    return abs(value - time.time_ns()) < 5 * 10**9


@test
def nanoseconds():
    """Times are kept to the nanosecond"""
    make('f')
    for nanoseconds in (0, 1, 999, 123_456_789, 999_999_999):
        utimensat('f', (1_234_567_890, nanoseconds), (1_234_567_891, 999_999_999 - nanoseconds))
        equal(times_of('f'), (ns((1_234_567_890, nanoseconds)), ns((1_234_567_891, 999_999_999 - nanoseconds))))


@test
def now_and_omit_in_all_combinations():
    """Each of the two times is set, set to now, or left, whatever the other is"""
    make('f')
    for atime in (OTHER, UTIME_NOW, UTIME_OMIT):
        for mtime in (OTHER, UTIME_NOW, UTIME_OMIT):
            utimensat('f', OLD, OLD)
            utimensat('f', atime, mtime)
            for what, asked, found in zip(('atime', 'mtime'), (atime, mtime), times_of('f')):
                case = f'{what} of utimensat({atime}, {mtime})'
                if asked == UTIME_NOW:
                    check(is_now(found), f'{case}: {found} is not now')
                else:
                    equal(found, ns(OLD if asked == UTIME_OMIT else OTHER), case)


@test
def now_is_one_instant():
    """Both times set to now are the same, and so is ctime"""
    make('f')
    for set_now in (lambda: utimensat('f', UTIME_NOW, UTIME_NOW), lambda: utimensat_null('f')):
        utimensat('f', OLD, OLD)
        set_now()
        status = os.stat('f')
        equal(status.st_atime_ns, status.st_mtime_ns)
        check(abs(status.st_ctime_ns - status.st_mtime_ns) < 5 * 10**7, f'ctime {status.st_ctime_ns}, mtime {status.st_mtime_ns}')
        check(is_now(status.st_mtime_ns), status)


@test
def ctime_moves_unless_both_are_omitted():
    """Setting any time moves ctime to now; with both omitted nothing changes"""
    make('f')
    for atime, mtime in ((OLD, UTIME_OMIT), (UTIME_OMIT, OLD), (UTIME_OMIT, UTIME_NOW), (OLD, OLD)):
        before = os.stat('f').st_ctime_ns
        time.sleep(0.02)
        utimensat('f', atime, mtime)
        check(os.stat('f').st_ctime_ns > before, f'ctime stays with ({atime}, {mtime})')
    before = os.stat('f')
    time.sleep(0.02)
    utimensat('f', UTIME_OMIT, UTIME_OMIT)
    equal(os.stat('f'), before)


@test
def explicit_times_are_for_the_owner():
    """Explicit times, or one now and one omitted, are for the owner and root: others get EPERM"""
    make('f', mode=0o666, owner=ALICE)
    for pair in ((OLD, OLD), (OLD, UTIME_OMIT), (UTIME_OMIT, OLD), (UTIME_NOW, UTIME_OMIT), (UTIME_OMIT, UTIME_NOW), (UTIME_NOW, OLD)):
        refused(errno.EPERM, by, BOB, utimensat, 'f', *pair)
        by(ALICE, utimensat, 'f', *pair)


@test
def now_is_for_who_may_write():
    """Both times to now is for who may write, else EACCES; the owner needs no w"""
    make('f', mode=0o606, owner=ALICE)
    by(BOB, utimensat, 'f', UTIME_NOW, UTIME_NOW)
    by(BOB, utimensat_null, 'f')
    os.chmod('f', 0o444)
    refused(errno.EACCES, by, BOB, utimensat, 'f', UTIME_NOW, UTIME_NOW)
    refused(errno.EACCES, by, BOB, utimensat_null, 'f')
    by(ALICE, utimensat, 'f', UTIME_NOW, UTIME_NOW)
    by(BOB, utimensat, 'f', UTIME_OMIT, UTIME_OMIT)


@test
def wrong_nanoseconds():
    """Nanoseconds of a second or more are EINVAL"""
    make('f')
    for nanoseconds in (10**9, -1, 2**30):
        refused(errno.EINVAL, utimensat, 'f', (1, nanoseconds), (1, 0))


@test
def symlinks_have_times():
    """With AT_SYMLINK_NOFOLLOW the symlink's own times are set, without it the target's"""
    make('f')
    os.symlink('f', 's')
    utimensat('f', OTHER, OTHER)
    utimensat('s', OLD, OLD, AT_SYMLINK_NOFOLLOW)
    equal((times_of('s')[1], times_of('f')), (ns(OLD), (ns(OTHER),) * 2))
    utimensat('s', OLD, OTHER)
    equal((times_of('s')[1], times_of('f')), (ns(OLD), (ns(OLD), ns(OTHER))))


@test
def through_a_descriptor():
    """futimens sets times through a descriptor, also a read-only one, and of a directory"""
    make('f')
    os.mkdir('d')
    for path in ('f', 'd'):
        with opened(path) as fd:
            utimensat(None, OLD, OTHER, fd=fd)
            equal((os.fstat(fd).st_atime_ns, os.fstat(fd).st_mtime_ns), (ns(OLD), ns(OTHER)))


@test
def times_set_while_open_for_writing():
    """Times set after the last write stay when the file is closed"""
    make('f')
    with opened('f', os.O_WRONLY) as fd:
        os.write(fd, b'data' * 5000)
        utimensat(None, OLD, OTHER, fd=fd)
    equal(times_of('f'), (ns(OLD), ns(OTHER)))
    make('g', b'data' * 5000)
    utimensat('g', OLD, OTHER)
    time.sleep(0.1)
    equal((times_of('g'), os.stat('g').st_size), ((ns(OLD), ns(OTHER)), 20000))


@test
def before_1970():
    """Times before 1970 are kept"""
    make('f')
    for moment in ((-1, 0), (-1, 999_999_999), (-86400 * 365 * 30, 5), (-2**31, 0)):
        utimensat('f', moment, moment)
        equal(times_of('f'), (ns(moment),) * 2, str(moment))


@test
def after_2038_and_2106():
    """Times after 2038 and after 2106 are kept"""
    make('f')
    for moment in ((2**31 - 1, 1), (2**31, 2), (2**32 - 1, 3), (2**32, 4), (2**33 + 7, 5)):
        utimensat('f', moment, moment)
        if moment[0] >= 2**32 and times_of('f')[0] < ns((2**32, 0)):
            skip('this file system ends before')
        equal(times_of('f'), (ns(moment),) * 2, str(moment))


@test
def missing_names():
    """Times of nothing are ENOENT, without way EACCES"""
    refused(errno.ENOENT, utimensat, 'missing', OLD, OLD)
    os.mkdir('d', 0o700)
    make('d/f', mode=0o666)
    refused(errno.EACCES, by, ALICE, utimensat, 'd/f', UTIME_NOW, UTIME_NOW)
