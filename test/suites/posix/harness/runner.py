"""Runs each test in a process of its own and says in TAP how it went.

Nothing here waits for ever: a test that does is killed with all it started and
has failed, and what has touched the file system in any way was such a process.
"""

import faulthandler
import os
import select
import signal
import tempfile
import time
import traceback

from .expect import Skip

FAILED, SKIPPED = 1, 77
HANGS_MAX = 3
REMOVAL_LIMIT = 60


def run(directory, tests, exceptions):
    """The exit code: 0 if nothing failed."""
    print(f'1..{len(tests)}', flush=True)
    failed = hangs = 0
    root = in_time(lambda: _make_root(directory), REMOVAL_LIMIT)
    if root.status != 0:
        print(f'Bail out! {directory} cannot be used: {root.said.splitlines()[-1] if root.said else "it hangs"}')
        return 1
    root = root.said.strip()
    for number, test in enumerate(tests, 1):
        reason = exceptions.get(test.name)
        if reason and reason.startswith('flaky:'):
            print(f'ok {number} - {test.name} # SKIP {reason}', flush=True)
            continue
        began = time.monotonic()
        outcome = _run_test(os.path.join(root, test.name), test)
        hangs += outcome.hung
        ok, text = _verdict(test, outcome, reason)
        failed += not ok
        print(f'{"ok" if ok else "not ok"} {number} - {text}')
        print(f'  ---\n  duration_ms: {(time.monotonic() - began) * 1000:.0f}')
        if not ok:
            print('  message: |\n' + ''.join(f'    {line}\n' for line in outcome.said.splitlines()), end='')
        print('  ...', flush=True)
        if hangs >= HANGS_MAX:
            print(f'Bail out! {hangs} tests did not end in time')
            return 1
    if _remove(root).status != 0:
        print(f'# {root} could not be removed')
    return 1 if failed else 0


def _make_root(directory):
    root = tempfile.mkdtemp(prefix='posix-', dir=directory)
    os.chmod(root, 0o755)
    print(root)


def _verdict(test, outcome, exception):
    title = f'{test.name}: {test.fact}'
    if exception:
        if outcome.status == 0:
            outcome.said = f'excepted ("{exception}"), but it passes: take it off the list'
            return False, title
        return True, f'{test.name} # SKIP {exception}'
    if outcome.status == SKIPPED:
        return True, f'{title} # SKIP {outcome.said.strip()}'
    return outcome.status == 0, title


def _run_test(place, test):
    def body():
        os.umask(0)
        os.mkdir(place)
        os.chdir(place)
        test.body()

    outcome = in_time(body, test.limit)
    removal = _remove(place)
    if outcome.status == 0 and removal.status != 0:
        return Outcome(FAILED, f'what the test made could not be removed:\n{removal.said}', removal.hung)
    return outcome


def _remove(place):
    return in_time(lambda: os.execvp('rm', ['rm', '-rf', '--one-file-system', place]), REMOVAL_LIMIT)


class Outcome:
    def __init__(self, status, said, hung=False):
        self.status, self.said, self.hung = status, said, hung


def in_time(body, limit):
    """How `body` went in a process group of its own, killed after `limit` seconds."""
    output = tempfile.TemporaryFile('w+', dir='/tmp', errors='backslashreplace')
    child = os.fork()
    if child == 0:
        _become(body, output, limit)
    with open(os.pidfd_open(child), 'rb', buffering=0) as ended:
        hung = not select.select([ended], [], [], limit)[0]
    _signal_group(child, signal.SIGKILL)
    status = _wait(child, 5)
    output.seek(0)
    said = output.read(20000)
    output.close()
    if hung:
        return Outcome(FAILED, f'still not done after {limit} s\n{said}', True)
    return Outcome(os.waitstatus_to_exitcode(status), said)


def _wait(child, seconds):
    """A process within a system call that can't be killed is left behind."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.01)
    return FAILED << 8


def _signal_group(child, number):
    try:
        os.killpg(child, number)
    except ProcessLookupError:
        pass


def _become(body, output, limit):
    status = FAILED
    try:
        os.setpgid(0, 0)
        for number in (1, 2):
            os.dup2(output.fileno(), number)
        # Where it stands is said shortly before it is killed.
        faulthandler.dump_traceback_later(max(limit - 1, 1), file=2)
        body()
        status = 0
    except Skip as reason:
        print(reason)
        status = SKIPPED
    except BaseException:
        traceback.print_exc(file=os.fdopen(1, 'w', closefd=False, errors='backslashreplace'))
    finally:
        try:
            import sys
            sys.stdout.flush()
        finally:
            os._exit(status)
