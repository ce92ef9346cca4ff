"""What the tests of locks share. Has no tests."""

import fcntl
import os
import signal
import struct
import time
from collections import namedtuple

from harness.people import Child

F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW = 36, 37, 38
READ, WRITE, UNLOCK = fcntl.F_RDLCK, fcntl.F_WRLCK, fcntl.F_UNLCK
Found = namedtuple('Found', 'kind start length pid')


def lock(fd, kind, start=0, length=0, command=fcntl.F_SETLK, whence=os.SEEK_SET):
    fcntl.fcntl(fd, command, struct.pack('hhqqi4x', kind, whence, start, length, 0))


def find(fd, kind, start=0, length=0, command=fcntl.F_GETLK):
    """What is in the way of such a lock, if anything."""
    answer = fcntl.fcntl(fd, command, struct.pack('hhqqi4x', kind, os.SEEK_SET, start, length, 0))
    found_kind, _, found_start, found_length, pid = struct.unpack('hhqqi4x', answer)
    return None if found_kind == UNLOCK else Found(found_kind, found_start, found_length, pid)


class Holder:
    """A process that has done something, and goes on living."""

    def __init__(self, call):
        reader, writer = os.pipe()

        def body():
            call()
            os.write(writer, b'x')
            signal.pause()

        self._child = Child(body)
        self.pid = self._child.pid
        os.close(writer)
        done = os.read(reader, 1)
        os.close(reader)
        if not done:
            self._child.result()

    def kill(self):
        self._child.kill()


def sleeping(pid, seconds=0.3):
    """Waits until a process had time to wait for its lock."""
    time.sleep(seconds)
    os.kill(pid, 0)
