"""Directories with many entries, listed while others change them."""

import os
import shutil
import time

from harness.expect import check, equal
from harness.files import make
from harness.libc import Directory
from harness.people import Child
from harness.registry import test

from .directories import fill


def all_once(found, names):
    """Each of the names is found, once; others may be."""
    equal(len([name for name in found if name in names]), len(names), 'names that stay, as listed')
    equal(len(set(found)), len(found), 'names listed, each once')
    check(set(found) >= names, 'a name that stays is missing')


@test(limit=120)
def thousands_of_entries():
    """A directory of 3,000 entries lists each of them once"""
    names = fill(3000)
    for _ in range(2):
        found = os.listdir(b'd')
        equal((len(found), set(found)), (3000, names))
    equal(len([entry for entry in os.scandir('d') if entry.is_file(follow_symlinks=False)]), 3000)


@test(limit=1800, large=True)
def two_hundred_thousand_entries():
    """A directory of 200,000 entries lists each of them once"""
    names = fill(200_000)
    found = os.listdir(b'd')
    equal((len(found), set(found) == names), (200_000, True))


@test(limit=120)
def while_others_add_and_remove():
    """What stays in a directory is listed once, whatever others add and remove meanwhile"""
    names = fill(700)

    def change(number):
        until = time.monotonic() + 2
        while time.monotonic() < until:
            for count in range(20):
                os.close(os.open(f'd/other-{number}-{count}', os.O_CREAT))
            for count in range(20):
                os.unlink(f'd/other-{number}-{count}')

    children = [Child(change, number) for number in range(2)]
    until = time.monotonic() + 2
    while time.monotonic() < until:
        with Directory('d') as directory:
            found = []
            while entry := directory.read():
                found.append(entry[2])
                if len(found) % 300 == 0:
                    time.sleep(0.01)
        all_once(found, names | {b'.', b'..'})
    for child in children:
        child.result()


@test(limit=120)
def while_names_are_renamed():
    """What stays is listed once while other names change within the directory"""
    names = fill(600)

    def rename():
        make('d/moving-0')
        for number in range(300):
            os.rename(f'd/moving-{number}', f'd/moving-{number + 1}')

    child = Child(rename)
    for _ in range(5):
        found = [name for name in os.listdir(b'd') if not name.startswith(b'moving')]
        all_once(found, names)
    child.result()


@test(limit=120)
def removing_while_listing():
    """One pass through a directory that removes each entry it reads leaves it empty"""
    fill(700)
    with Directory('d') as directory:
        for name in iter(lambda: directory.read(), None):
            if name[2] not in (b'.', b'..'):
                os.unlink(b'd/' + name[2])
    os.rmdir('d')


@test(limit=120)
def removing_a_tree_while_others_list_it():
    """rm -r of a tree works while another process lists it"""
    for number in range(8):
        os.makedirs(f'd/{number}/deeper')
        for count in range(30):
            make(f'd/{number}/deeper/{count}')

    def look():
        while os.path.isdir('d'):
            for _ in os.walk('d'):
                pass

    child = Child(look)
    shutil.rmtree('d')
    child.result()
