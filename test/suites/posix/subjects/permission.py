"""Who may read, write, execute and search."""

import errno
import os

from harness.expect import check, equal, exists, refused
from harness.files import content, make, make_directory, opened, put
from harness.people import ALICE, ALICE_IN_TEAM, BOB, BOB_IN_TEAM, TEAM, User, by
from harness.registry import test

EACCES, EPERM = errno.EACCES, errno.EPERM
WAYS = {os.O_RDONLY: 4, os.O_WRONLY: 2, os.O_RDWR: 6}


def touch_open(path, flags):
    os.close(os.open(path, flags))


@test
def each_class_has_its_bits():
    """Owner, group and others may open a file as their three bits say"""
    people = [(ALICE, 6), (BOB_IN_TEAM, 3), (BOB, 0)]
    make('f', owner=User(ALICE.uid, TEAM))
    for bits in (0o000, 0o004, 0o002, 0o006):
        for user, shift in people:
            os.chmod('f', bits << shift)
            for flags, needed in WAYS.items():
                if bits & needed == needed:
                    by(user, touch_open, 'f', flags)
                else:
                    refused(EACCES, by, user, touch_open, 'f', flags)


@test
def first_class_that_matches_decides():
    """An owner without bits is refused though others have them, and so is a group"""
    make('owner', mode=0o077, owner=ALICE)
    make('group', mode=0o707, owner=User(0, TEAM))
    refused(EACCES, by, ALICE, touch_open, 'owner', os.O_RDONLY)
    by(BOB, touch_open, 'owner', os.O_RDONLY)
    refused(EACCES, by, BOB_IN_TEAM, touch_open, 'group', os.O_RDONLY)
    by(BOB, touch_open, 'group', os.O_RDONLY)


@test
def supplementary_groups_grant():
    """Each of a process's groups counts, also the thirtieth"""
    make('f', b'secret', 0o640, User(0, TEAM))
    equal(by(User(BOB.uid, BOB.gid, tuple(range(70000, 70029)) + (TEAM,)), content, 'f'), b'secret')
    refused(EACCES, by, BOB, content, 'f')


@test
def search_needs_x():
    """Without x on a directory what is in it can't be reached, though listed with r"""
    make_directory('d')
    make('d/f', b'data', 0o666)
    os.chmod('d', 0o744)
    equal(by(ALICE, os.listdir, 'd'), ['f'])
    for call in (os.stat, content, os.chdir):
        refused(EACCES, by, ALICE, call, 'd/f' if call is not os.chdir else 'd')
    refused(EACCES, by, ALICE, os.stat, 'd/missing')


@test
def listing_needs_r():
    """Without r a directory can't be listed, though what is in it is reached with x"""
    make_directory('d')
    make('d/f', b'data', 0o666)
    os.chmod('d', 0o711)
    refused(EACCES, by, ALICE, os.listdir, 'd')
    equal(by(ALICE, content, 'd/f'), b'data')
    by(ALICE, os.chdir, 'd')


@test
def every_directory_on_the_way_counts():
    """One directory without x anywhere on the way refuses"""
    os.makedirs('a/b/c')
    make('a/b/c/f', b'data')
    equal(by(ALICE, content, 'a/b/c/f'), b'data')
    for path in ('a', 'a/b', 'a/b/c'):
        os.chmod(path, 0o766)
        refused(EACCES, by, ALICE, content, 'a/b/c/f')
        os.chmod(path, 0o755)


@test
def changing_a_directory_needs_w_and_x():
    """Making, removing and renaming entries needs w and x on the directory"""
    make_directory('d', owner=ALICE)
    make('d/f', owner=ALICE)
    make_directory('d/e', owner=ALICE)
    make('mine', owner=ALICE)
    calls = [
        (os.mkdir, 'd/new'), (os.symlink, 'x', 'd/new'), (os.mkfifo, 'd/new'), (os.unlink, 'd/f'), (os.rmdir, 'd/e'),
        (os.rename, 'd/f', 'd/g'), (touch_open, 'd/new', os.O_CREAT | os.O_WRONLY), (os.link, 'd/f', 'd/new'),
    ]
    for mode in (0o500, 0o600):
        os.chmod('d', mode)
        for call, *args in calls:
            refused(EACCES, by, ALICE, call, *args)
    os.chmod('d', 0o300)
    for call, *args in ((os.mkdir, 'd/new'), (os.rmdir, 'd/new'), (os.rename, 'd/f', 'd/g'), (os.unlink, 'd/g')):
        by(ALICE, call, *args)


@test
def a_file_may_be_removed_by_who_may_not_write_it():
    """Removing needs rights on the directory, not on the file"""
    make_directory('d', owner=ALICE)
    make('d/f', mode=0o000, owner=BOB)
    by(ALICE, os.unlink, 'd/f')


@test
def sticky_directory_protects_entries():
    """In a sticky directory only the owner of the file, of the directory, and root remove or rename: EPERM"""
    for owner in (0, BOB.uid):
        d = make_directory(f'd{owner}', 0o1777, User(owner, 0))
        make(f'{d}/f', owner=ALICE)
        make_directory(f'{d}/e', owner=ALICE)
        stranger = User(60003, 60003)
        refused(EPERM, by, stranger, os.unlink, f'{d}/f')
        refused(EPERM, by, stranger, os.rmdir, f'{d}/e')
        refused(EPERM, by, stranger, os.rename, f'{d}/f', f'{d}/g')
        by(ALICE, os.rename, f'{d}/f', f'{d}/g')
        by(ALICE, os.unlink, f'{d}/g')
        by(BOB if owner else User(0, 0), os.rmdir, f'{d}/e')


@test
def root_reads_and_writes_everything():
    """Root reads, writes and searches whatever the bits say"""
    make_directory('d', owner=ALICE)
    make('d/f', b'data', 0o000, ALICE)
    os.chmod('d', 0)
    equal(content('d/f'), b'data')
    put('d/f', b'DATA')
    make('d/g')
    equal(sorted(os.listdir('d')), ['f', 'g'])


@test
def root_does_not_execute_without_x():
    """Root executes only what has an x bit for somebody"""
    make('f', b'#!/bin/sh\nexit 0\n', 0o666)
    check(not os.access('f', os.X_OK), 'access says yes')
    refused(EACCES, os.execv, './f', ['f'])
    os.chmod('f', 0o001)
    check(os.access('f', os.X_OK), 'access says no')


@test
def access_uses_real_ids():
    """access(2) asks for the real user, and with AT_EACCESS for the effective one"""
    make('f', mode=0o600, owner=ALICE)

    def body():
        os.setresuid(BOB.uid, ALICE.uid, 0)
        return os.access('f', os.R_OK), os.access('f', os.R_OK, effective_ids=True)

    equal(by(None, body), (False, True))


@test
def an_open_descriptor_keeps_its_rights():
    """What has been opened stays open after chmod took the right away"""
    make('f', b'data', 0o666)

    def body():
        with opened('f', os.O_RDWR) as fd:
            by_root.send()
            return os.read(fd, 10), os.pwrite(fd, b'x', 0)

    class by_root:
        @staticmethod
        def send():
            ready.release()
            gone.acquire()

    import multiprocessing
    ready, gone = multiprocessing.Semaphore(0), multiprocessing.Semaphore(0)
    from harness.people import Child
    child = Child(body, user=ALICE)
    ready.acquire()
    os.chmod('f', 0)
    gone.release()
    equal(child.result(), (b'data', 1))
    refused(EACCES, by, ALICE, touch_open, 'f', os.O_RDONLY)


@test
def truncating_needs_w():
    """O_TRUNC and truncate without w are refused, and nothing is lost"""
    make('f', b'data', 0o444)
    refused(EACCES, by, ALICE, touch_open, 'f', os.O_RDONLY | os.O_TRUNC)
    refused(EACCES, by, ALICE, touch_open, 'f', os.O_WRONLY | os.O_TRUNC)
    refused(EACCES, by, ALICE, os.truncate, 'f', 0)
    equal(content('f'), b'data')


@test
def a_new_file_is_open_whatever_its_mode():
    """Who makes a file with mode 0 or 0444 may write through the descriptor, and may not open it again"""
    make_directory('d', owner=ALICE)

    def body():
        for mode in (0, 0o444):
            with opened(f'd/f{mode:o}', os.O_CREAT | os.O_RDWR, mode) as fd:
                os.write(fd, b'data')
                equal(os.pread(fd, 9, 0), b'data')
        refused(EACCES, os.open, 'd/f0', os.O_RDONLY)
        refused(EACCES, os.open, 'd/f444', os.O_WRONLY)

    by(ALICE, body)


@test
def rights_change_at_once():
    """A changed mode, owner or group counts from the next call on"""
    make('f', b'data', 0o600, ALICE)
    refused(EACCES, by, BOB_IN_TEAM, content, 'f')
    os.chown('f', -1, TEAM)
    os.chmod('f', 0o640)
    equal(by(BOB_IN_TEAM, content, 'f'), b'data')
    os.chown('f', BOB.uid, 0)
    os.chmod('f', 0o600)
    equal(by(BOB, content, 'f'), b'data')
    refused(EACCES, by, ALICE, content, 'f')


@test
def missing_names_and_wrong_types():
    """ENOENT, ENOTDIR and EISDIR come before questions of rights"""
    make('f')
    os.mkdir('d', 0o755)
    refused(errno.ENOENT, os.stat, 'missing')
    refused(errno.ENOENT, os.stat, 'missing/f')
    refused(errno.ENOTDIR, os.stat, 'f/x')
    refused(errno.ENOTDIR, os.listdir, 'f')
    refused(errno.ENOTDIR, os.open, 'f', os.O_DIRECTORY)
    refused(errno.EISDIR, os.open, 'd', os.O_WRONLY)
    refused(errno.EISDIR, os.open, 'd', os.O_CREAT | os.O_RDWR)
    refused((errno.EISDIR, errno.EEXIST), os.open, 'd', os.O_CREAT)
    check(not exists('missing'), 'made')
    equal(by(ALICE_IN_TEAM, os.access, 'd', os.W_OK), False)
