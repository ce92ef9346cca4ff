"""copy_file_range and sendfile: bytes from file to file."""

import errno
import os
import shutil
import socket

from harness.expect import check, equal, refused
from harness.files import KiB, MiB, content, make, opened, read_at
from harness.people import Child
from harness.registry import test


@test
def copy_file_range_copies():
    """copy_file_range copies a file, at the offsets of the descriptors"""
    data = os.urandom(3 * MiB + 17)
    make('f', data)
    with opened('f') as source, opened('g', os.O_CREAT | os.O_RDWR) as target:
        copied = 0
        while part := os.copy_file_range(source, target, 10 * MiB):
            copied += part
        equal((copied, os.lseek(source, 0, os.SEEK_CUR), os.lseek(target, 0, os.SEEK_CUR)), (len(data),) * 3)
    check(content('g') == data, 'differs')


@test
def copy_file_range_at_offsets():
    """copy_file_range with offsets leaves those of the descriptors, and copies into the middle and past the end"""
    make('f', bytes(range(256)) * 40)
    make('g', b'x' * 1000)
    with opened('f') as source, opened('g', os.O_RDWR) as target:
        equal(os.copy_file_range(source, target, 300, 100, 50), 300)
        equal(os.copy_file_range(source, target, 100, 0, 5000), 100)
        equal((os.lseek(source, 0, os.SEEK_CUR), os.fstat(target).st_size), (0, 5100))
        equal(os.copy_file_range(source, target, 100, 256 * 40, 0), 0, 'from the end')
    piece = (bytes(range(256)) * 3)[100:400]
    equal(content('g'), b'x' * 50 + piece + b'x' * 650 + bytes(4000) + bytes(range(100)))


@test
def copy_file_range_within_a_file():
    """copy_file_range within one file copies what does not overlap, and refuses what does with EINVAL"""
    make('f', b'0123456789' * 1000)
    with opened('f', os.O_RDWR) as fd:
        equal(os.copy_file_range(fd, fd, 3, 2, 9000), 3)
        equal(read_at(fd, 5, 8999), b'92343')
        refused(errno.EINVAL, os.copy_file_range, fd, fd, 100, 0, 50)


@test
def copy_file_range_refuses():
    """copy_file_range refuses directories, descriptors that append and those not open for it"""
    make('f', b'data')
    make('g')
    with opened('f') as source, opened('g', os.O_WRONLY | os.O_APPEND) as appending, opened('.') as directory, opened('g', os.O_RDWR) as target:
        refused(errno.EBADF, os.copy_file_range, source, appending, 4)
        refused(errno.EBADF, os.copy_file_range, source, source, 4)
        refused(errno.EISDIR, os.copy_file_range, directory, target, 4)


@test
def copy_file_range_sees_what_was_just_written():
    """copy_file_range copies what is written and not synced, also through another descriptor, and the copy is seen by who has it open"""
    make('f', b'a' * 10_000)
    make('g', b'b' * 10_000)
    with opened('f', os.O_RDWR) as writer, opened('f') as source, opened('g', os.O_RDWR) as target, opened('g') as reader:
        equal(os.pread(reader, 3, 5000), b'bbb')
        os.pwrite(writer, b'new', 5000)
        os.copy_file_range(source, target, 10_000)
        equal((os.pread(reader, 5, 4999), os.fstat(reader).st_size), (b'anewa', 10_000))


@test
def sendfile_from_a_file():
    """sendfile sends a file to a socket and into a file"""
    data = os.urandom(700 * KiB)
    make('f', data)
    one, two = socket.socketpair()

    def receive():
        received = b''
        while len(received) < len(data):
            received += two.recv(65536)
        return received

    child = Child(receive)
    with opened('f') as source, opened('g', os.O_CREAT | os.O_WRONLY) as target:
        sent = 0
        while sent < len(data):
            sent += os.sendfile(one.fileno(), source, sent, len(data) - sent)
        check(child.result() == data, 'the socket')
        at = 0
        while at < len(data):
            at += os.sendfile(target, source, at, len(data) - at)
    check(content('g') == data, 'the file')


@test
def splice_through_a_pipe():
    """splice moves bytes from a file through a pipe into a file"""
    data = os.urandom(50_000)
    make('f', data)
    reader, writer = os.pipe()
    with opened('f') as source, opened('g', os.O_CREAT | os.O_WRONLY) as target:
        left = len(data)
        while left:
            into = os.splice(source, writer, left)
            left -= into
            while into:
                into -= os.splice(reader, target, into)
    check(content('g') == data, 'differs')


@test
def whole_trees():
    """A tree copied with its times and modes is as it was"""
    os.makedirs('a/b/c')
    for path in ('a/f', 'a/b/g', 'a/b/c/h'):
        make(path, path.encode() * 3000, 0o640)
    os.symlink('b/g', 'a/s')
    shutil.copytree('a', 'z', symlinks=True)
    for path in ('f', 'b/g', 'b/c/h'):
        before, after = os.stat('a/' + path), os.stat('z/' + path)
        equal((after.st_mode, after.st_mtime_ns, content('z/' + path)), (before.st_mode, before.st_mtime_ns, content('a/' + path)))
    equal(os.readlink('z/s'), 'b/g')
