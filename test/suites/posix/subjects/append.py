"""O_APPEND."""

import fcntl
import os

from harness.expect import equal
from harness.files import content, make, opened
from harness.people import together
from harness.registry import test


@test
def always_at_the_end():
    """O_APPEND writes at the end wherever the offset is, and moves the offset there"""
    make('f', b'0123456789')
    with opened('f', os.O_RDWR | os.O_APPEND) as fd:
        equal(os.read(fd, 3), b'012')
        os.write(fd, b'end')
        equal((os.lseek(fd, 0, os.SEEK_CUR), content('f')), (13, b'0123456789end'))
        os.lseek(fd, 0, os.SEEK_SET)
        os.write(fd, b'!')
        equal(content('f'), b'0123456789end!')


@test
def pwrite_appends_too():
    """pwrite with O_APPEND appends, as Linux does, and leaves the offset"""
    make('f', b'data')
    with opened('f', os.O_RDWR | os.O_APPEND) as fd:
        os.pwrite(fd, b'more', 0)
        equal((content('f'), os.lseek(fd, 0, os.SEEK_CUR)), (b'datamore', 0))


@test
def after_a_truncation():
    """After a truncation O_APPEND goes on at the new end"""
    with opened('f', os.O_CREAT | os.O_WRONLY | os.O_APPEND) as fd:
        os.write(fd, b'0123456789')
        os.truncate('f', 2)
        os.write(fd, b'x')
        equal(content('f'), b'01x')
        os.truncate('f', 6)
        os.write(fd, b'y')
        equal(content('f'), b'01x\0\0\0y')


@test
def switched_on_later():
    """O_APPEND set by fcntl counts from then on"""
    make('f', b'data')
    with opened('f', os.O_WRONLY) as fd:
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
        os.write(fd, b'more')
        fcntl.fcntl(fd, fcntl.F_SETFL, 0)
        os.pwrite(fd, b'D', 0)
    equal(content('f'), b'Datamore')


@test(limit=120)
def several_processes():
    """Records that several processes append are all there, whole"""
    def append(letter):
        with opened('f', os.O_WRONLY | os.O_APPEND | os.O_CREAT) as fd:
            for number in range(150):
                equal(os.write(fd, b'%c%06d' % (letter, number) * 20 + b'\n'), 141)

    together(*[lambda letter=letter: append(letter) for letter in b'abcd'])
    lines = content('f').splitlines()
    equal(sorted(lines), sorted(b'%c%06d' % (letter, number) * 20 for letter in b'abcd' for number in range(150)))
    for letter in b'abcd':
        own = [line for line in lines if line[0] == letter]
        equal(own, sorted(own), 'the order of one process')
