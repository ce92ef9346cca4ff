"""Programs and scripts run from the file system."""

import errno
import os
import shutil
import subprocess

from harness.expect import equal, refused, skip
from harness.files import make, opened
from harness.people import ALICE, by
from harness.registry import test


def copy_program(program, path):
    if os.statvfs('.').f_flag & os.ST_NOEXEC:
        skip('mounted noexec')
    shutil.copy(program, path)
    os.chmod(path, 0o755)
    return os.path.abspath(path)


@test
def a_program_runs():
    """A program copied here runs, and so does a script, and a library is loaded"""
    program = copy_program('/bin/cat', 'cat')
    make('f', b'data')
    equal(subprocess.check_output([program, 'f']), b'data')
    make('script', b'#!/bin/sh\necho "$1"\n', 0o755)
    equal(subprocess.check_output(['./script', 'word']), b'word\n')
    make('bad', b'\0\1\2', 0o755)
    refused(errno.ENOEXEC, os.execv, './bad', ['bad'])


@test
def who_may_run_it():
    """Running needs x, not r: EACCES"""
    program = copy_program('/bin/true', 'true')
    os.chmod('.', 0o755)
    os.chmod(program, 0o711)
    by(ALICE, subprocess.check_call, ['./true'])
    os.chmod(program, 0o744)
    refused(errno.EACCES, by, ALICE, os.execv, './true', ['true'])


@test
def a_running_program_is_not_written():
    """A running program can't be opened for writing (ETXTBSY), and can be replaced"""
    program = copy_program('/bin/sleep', 'sleep')
    process = subprocess.Popen([program, '60'])
    try:
        refused(errno.ETXTBSY, os.open, 'sleep', os.O_WRONLY)
        refused(errno.ETXTBSY, os.truncate, 'sleep', 0)
        make('new', b'new', 0o755)
        os.rename('new', 'sleep')
        with opened('sleep', os.O_WRONLY) as fd:
            os.write(fd, b'x')
        equal(process.poll(), None)
    finally:
        process.kill()
        process.wait()


@test
def a_file_being_written_does_not_run():
    """A program that is open for writing does not run: ETXTBSY"""
    copy_program('/bin/true', 'true')
    with opened('true', os.O_RDWR):
        refused(errno.ETXTBSY, os.execv, './true', ['true'])
    subprocess.check_call(['./true'])
