"""Locks that are waited for."""

import errno
import fcntl
import os
import signal
import time

from harness.expect import check, equal, refused
from harness.files import content, make, opened, put
from harness.people import Child, together
from harness.registry import test

from .locking import READ, UNLOCK, WRITE, Holder, lock, sleeping

WAYS = {
    'flock': lambda fd: fcntl.flock(fd, fcntl.LOCK_EX),
    'fcntl': lambda fd: lock(fd, WRITE, 0, 0, fcntl.F_SETLKW),
}


class Interrupted(Exception):
    pass


@test
def it_comes_when_the_other_goes():
    """Who waits has the lock as soon as the other gives it up, closes or dies"""
    make('f')
    for name, take in WAYS.items():
        holder = Holder(lambda: take(os.open('f', os.O_RDWR)))
        waiting = Child(lambda: take(os.open('f', os.O_RDWR)) or time.monotonic())
        sleeping(waiting.pid)
        released = time.monotonic()
        holder.kill()
        waited = waiting.result() - released
        check(0 <= waited < 2, f'{name}: {waited:.3f} s')


@test
def unlocking_wakes():
    """Who waits is woken by an unlock, and by a downgrade to a read lock"""
    make('f')
    with opened('f', os.O_RDWR) as fd:
        for kind, wake in ((WRITE, UNLOCK), (READ, READ)):
            lock(fd, WRITE, 0, 10)
            waiting = Child(lambda: lock(os.open('f', os.O_RDWR), kind, 5, 1, fcntl.F_SETLKW))
            sleeping(waiting.pid)
            lock(fd, wake, 0, 10)
            waiting.result()


@test
def a_signal_interrupts():
    """A signal that is handled ends the wait with EINTR, and the lock is not had"""
    make('f')
    for name, take in WAYS.items():
        holder = Holder(lambda: take(os.open('f', os.O_RDWR)))

        def wait():
            def handler(*_):
                raise Interrupted

            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with opened('f', os.O_RDWR) as fd:
                try:
                    take(fd)
                except Interrupted:
                    return True
            return False

        began = time.monotonic()
        equal(Child(wait).result(), True, name)
        check(time.monotonic() - began < 3, f'{name}: {time.monotonic() - began:.1f} s')
        holder.kill()
        with opened('f', os.O_RDWR) as fd:
            take(fd)


@test
def who_waits_can_be_killed():
    """A process that waits for a lock can be killed, and does not get the lock later"""
    make('f')
    for take in WAYS.values():
        holder = Holder(lambda: take(os.open('f', os.O_RDWR)))
        waiting = Child(lambda: take(os.open('f', os.O_RDWR)))
        sleeping(waiting.pid)
        waiting.kill()
        holder.kill()
        with opened('f', os.O_RDWR) as fd:
            take(fd)


@test
def a_circle_is_a_deadlock():
    """Of two processes that would wait for each other one is refused with EDEADLK"""
    make('f')
    with opened('f', os.O_RDWR) as fd:
        lock(fd, WRITE, 0, 1)

        def other():
            with opened('f', os.O_RDWR) as own:
                lock(own, WRITE, 1, 1)
                os.write(ready[1], b'x')
                lock(own, WRITE, 0, 1, fcntl.F_SETLKW)

        ready = os.pipe()
        child = Child(other)
        os.read(ready[0], 1)
        sleeping(child.pid)
        refused(errno.EDEADLK, lock, fd, WRITE, 1, 1, fcntl.F_SETLKW)
        lock(fd, UNLOCK)
        child.result()


@test(limit=120)
def they_exclude():
    """A counter that four processes raise under a lock loses nothing"""
    for name, take in WAYS.items():
        make('f', b'0')

        def raise_counter():
            for _ in range(25):
                with opened('f', os.O_RDWR) as fd:
                    take(fd)
                    number = int(os.pread(fd, 20, 0))
                    os.pwrite(fd, b'%d' % (number + 1), 0)

        together(*[raise_counter] * 4)
        equal(content('f'), b'100', name)
        os.unlink('f')


@test
def files_are_used_while_somebody_waits():
    """While a process waits for a lock others read, write and lock other files"""
    make('f')
    make('g', b'data')
    for take in WAYS.values():
        holder = Holder(lambda: take(os.open('f', os.O_RDWR)))
        waiting = [Child(lambda: take(os.open('f', os.O_RDWR))) for _ in range(5)]
        sleeping(waiting[-1].pid)
        put('g', b'DATA')
        with opened('g', os.O_RDWR) as fd:
            take(fd)
        equal((content('g'), content('f')), (b'DATA', b''))
        for child in waiting:
            child.kill()
        holder.kill()
