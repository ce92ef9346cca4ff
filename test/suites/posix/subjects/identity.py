"""Whose a new file is, and with which mode."""

import os
import stat

from harness.expect import equal, check
from harness.files import make, make_directory, mode_of, opened, owner_of
from harness.people import ALICE, ALICE_IN_TEAM, BOB, TEAM, Child, User, by
from harness.registry import test

# Each way to make something that has an owner.
MAKERS = {
    'file': lambda path: os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666)),
    'directory': lambda path: os.mkdir(path, 0o777),
    'symlink': lambda path: os.symlink('target', path),
    'fifo': lambda path: os.mkfifo(path, 0o666),
    'node': lambda path: os.mknod(path, stat.S_IFREG | 0o666),
}


def make_all(prefix=''):
    for name, maker in MAKERS.items():
        maker(prefix + name)


@test
def new_objects_belong_to_their_maker():
    """What is made belongs to the user and group that made it"""
    os.chmod('.', 0o777)
    by(ALICE, make_all)
    for name in MAKERS:
        equal(owner_of(name), (ALICE.uid, ALICE.gid), name)


@test
def new_objects_of_root_belong_to_root():
    """What root makes belongs to root, also in a directory of somebody else"""
    make_directory('d', owner=ALICE)
    make_all('d/')
    for name in MAKERS:
        equal(owner_of('d/' + name), (0, 0), name)


@test
def effective_ids_count():
    """The effective user and group own what is made, not the real ones"""
    os.chmod('.', 0o777)

    def body():
        os.setresgid(0, ALICE.gid, 0)
        os.setresuid(0, ALICE.uid, 0)
        make_all()

    Child(body).result()
    for name in MAKERS:
        equal(owner_of(name), (ALICE.uid, ALICE.gid), name)


@test
def supplementary_groups_do_not_own():
    """A new file has the maker's own group, not one of its supplementary ones"""
    os.chmod('.', 0o777)
    by(ALICE_IN_TEAM, make_all)
    for name in MAKERS:
        equal(owner_of(name), (ALICE.uid, ALICE.gid), name)


@test
def large_ids():
    """User and group numbers beyond 16 and 31 bits are kept"""
    make('f')
    for number in (65534, 65536, 2**31 - 1, 2**31, 2**32 - 2):
        os.chown('f', number, number)
        equal(owner_of('f'), (number, number))
    os.chmod('.', 0o777)
    by(User(2**32 - 2, 2**31), make_all)
    equal(owner_of('file'), (2**32 - 2, 2**31))


@test
def setgid_directory_gives_its_group():
    """What is made in a set-group-id directory has the directory's group"""
    make_directory('d', 0o2777, User(0, TEAM))
    by(ALICE, make_all, 'd/')
    for name in MAKERS:
        equal(owner_of('d/' + name), (ALICE.uid, TEAM), name)


@test
def setgid_directory_is_inherited_by_directories():
    """A directory made in a set-group-id directory is one too, a file is not"""
    make_directory('d', 0o2777, User(0, TEAM))
    by(ALICE, make_all, 'd/')
    equal(mode_of('d/directory'), 0o2777)
    equal(mode_of('d/file'), 0o666)
    equal(mode_of('d/fifo'), 0o666)
    by(BOB, os.mkdir, 'd/directory/deeper')
    equal((mode_of('d/directory/deeper') & 0o2000, owner_of('d/directory/deeper')[1]), (0o2000, TEAM))


@test
def setgid_is_not_for_strangers():
    """A file made set-group-id in a directory of a group that its maker is not in loses the bit"""
    make_directory('d', 0o2777, User(0, TEAM))
    by(ALICE, lambda: os.close(os.open('d/stranger', os.O_CREAT | os.O_WRONLY, 0o2775)))
    by(ALICE_IN_TEAM, lambda: os.close(os.open('d/member', os.O_CREAT | os.O_WRONLY, 0o2775)))
    equal(mode_of('d/stranger'), 0o775)
    equal(mode_of('d/member'), 0o2775)


@test
def umask_is_taken_off():
    """The umask is taken off the mode of what is made"""
    for umask in (0o022, 0o027, 0o077, 0o777):
        os.umask(umask)
        make_all(f'{umask:o}-')
        for name in MAKERS:
            full = 0o777 if name in ('directory', 'symlink') else 0o666
            equal(mode_of(f'{umask:o}-{name}'), full if name == 'symlink' else full & ~umask, f'{name}, umask {umask:o}')


@test
def all_mode_bits_are_kept():
    """Each of the twelve mode bits is kept from making a file, and from chmod"""
    for mode in (0, 0o7777, 0o4755, 0o2755, 0o1755, 0o421, 0o124, 0o4000, 0o1000):
        with opened(f'f{mode:o}', os.O_CREAT | os.O_WRONLY, mode):
            equal(mode_of(f'f{mode:o}'), mode, 'open')
        os.chmod(f'f{mode:o}', 0o7777 - mode)
        equal(mode_of(f'f{mode:o}'), 0o7777 - mode, 'chmod')
        os.mkdir(f'd{mode:o}', mode)
        equal(mode_of(f'd{mode:o}'), mode & 0o1777, 'mkdir')
        os.chmod(f'd{mode:o}', mode)
        equal(mode_of(f'd{mode:o}'), mode, 'chmod of a directory')


@test
def existing_file_keeps_owner_and_mode():
    """Opening with O_CREAT what is there, and writing, changes neither owner nor mode"""
    make('f', b'old', 0o666, ALICE)

    def body():
        with opened('f', os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600) as fd:
            os.write(fd, b'new')

    by(BOB, body)
    equal((owner_of('f'), mode_of('f')), ((ALICE.uid, ALICE.gid), 0o666))


@test
def types_are_told():
    """lstat tells file, directory, symlink and fifo apart"""
    make_all()
    kinds = {'file': stat.S_ISREG, 'directory': stat.S_ISDIR, 'symlink': stat.S_ISLNK, 'fifo': stat.S_ISFIFO, 'node': stat.S_ISREG}
    for name, is_kind in kinds.items():
        check(is_kind(os.lstat(name).st_mode), name)
