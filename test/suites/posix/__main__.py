"""What a Linux person expects of a file system, asked of a directory.

    python3 test/suites/posix DIR [--except FILE] [--only PATTERN] [--list] [--large]

Prints TAP. Runs as root, because permissions are half of it. The suite is right
only if ext4, xfs and tmpfs pass it: where they differ a test accepts each of
them, or skips with the reason.

--except names a list of "test — reason" lines: what a file system is known not to
do. Such a test is run all the same, and fails the suite if it passes, so that
the list stays true; one whose reason begins with "flaky:" is not run.
"""

import sys

sys.dont_write_bytecode = True

import argparse  # noqa: E402
import importlib  # noqa: E402
import os  # noqa: E402

from harness.exceptions import read_exceptions  # noqa: E402
from harness.registry import select  # noqa: E402
from harness.runner import run  # noqa: E402

SUBJECTS = ['identity', 'permission', 'ownership', 'privileges', 'times', 'changes', 'access_times', 'names', 'symlinks', 'links', 'rename', 'rename_flags', 'rename_rights', 'unlinked', 'removed', 'special', 'opening', 'data', 'append', 'truncate', 'holes', 'allocate', 'random_data', 'direct', 'copying', 'syncing', 'mappings', 'programs', 'xattrs', 'xattr_rights', 'acls', 'flocks', 'record_locks', 'waiting_locks', 'directories', 'listing', 'statfs']


def main():
    parser = argparse.ArgumentParser(prog='posix', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('directory', nargs='?', metavar='DIR', help='where to test: everything happens in a new directory in it')
    parser.add_argument('--except', dest='exceptions', metavar='FILE', help='what this file system is known not to do')
    parser.add_argument('--only', metavar='PATTERN', help='only the tests whose name matches, e.g. "rename*"')
    parser.add_argument('--list', action='store_true', help='name the tests, and run none')
    parser.add_argument('--large', action='store_true', help='with 200,000 entries in a directory and EMLINK')
    options = parser.parse_args()

    for subject in SUBJECTS:
        importlib.import_module(f'subjects.{subject}')
    tests = select(options.only, options.large)
    if options.list:
        for test in tests:
            print(f'{test.name} — {test.fact}')
        return 0
    if not options.directory:
        parser.error('DIR is missing')
    if not tests:
        parser.error(f'no test is called {options.only}')
    if os.geteuid() != 0:
        print('1..0 # SKIP the suite asks about permissions: run it as root')
        return 0
    return run(os.path.abspath(options.directory), tests, read_exceptions(options.exceptions))


if __name__ == '__main__':
    sys.exit(main())
