"""Other users, and other processes, as children of the test."""

import os
import pickle
import traceback
from collections import namedtuple

User = namedtuple('User', 'uid gid groups', defaults=[()])

ROOT = User(0, 0)
ALICE = User(60001, 60101)
BOB = User(60002, 60102)
# A group of no user's own, and users that have it besides their own.
TEAM = 60200
ALICE_IN_TEAM = User(60001, 60101, (TEAM,))
BOB_IN_TEAM = User(60002, 60102, (TEAM,))


class Child:
    """A call in a child process. Its result, or its exception, is what `result` gives."""

    def __init__(self, call, *args, user=None, **options):
        self._reader, writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._reader)
            self._serve(writer, user, lambda: call(*args, **options))
        os.close(writer)

    @staticmethod
    def _serve(writer, user, call):
        try:
            if user:
                become(user)
            answer = (True, call())
        except OSError as error:
            answer = (False, (error.errno, error.strerror, traceback.format_exc()))
        except BaseException:
            answer = (False, (None, None, traceback.format_exc()))
        with os.fdopen(writer, 'wb') as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)

    def result(self):
        with os.fdopen(self._reader, 'rb') as pipe:
            data = pipe.read()
        os.waitpid(self.pid, 0)
        if not data:
            raise AssertionError('the child process ended without an answer')
        ok, value = pickle.loads(data)
        if ok:
            return value
        number, text, trace = value
        if number is None:
            raise AssertionError(f'in a child process: {trace}')
        raise OSError(number, text)

    def kill(self, number=9):
        os.kill(self.pid, number)
        os.waitpid(self.pid, 0)
        os.close(self._reader)


def become(user):
    os.setgroups(user.groups)
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)


def by(user, call, *args, **options):
    """The result of the call made by another user."""
    return Child(call, *args, user=user, **options).result()


def together(*calls):
    """The results of calls made by as many processes at once."""
    children = [Child(call) for call in calls]
    return [child.result() for child in children]
