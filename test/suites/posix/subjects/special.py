"""Fifos, sockets and devices."""

import errno
import os
import socket
import stat

from harness.expect import check, equal, refused, skip
from harness.files import make, make_directory, mode_of
from harness.people import ALICE, BOB, Child, by
from harness.registry import test


@test
def a_fifo_between_two_processes():
    """What one process writes into a fifo another reads, to the end, and nothing stays in it"""
    os.mkfifo('p', 0o600)
    data = os.urandom(300_000)

    def write():
        with open('p', 'wb') as pipe:
            pipe.write(data)

    for _ in range(2):
        child = Child(write)
        with open('p', 'rb') as pipe:
            equal(pipe.read(), data)
        child.result()
    equal((stat.S_ISFIFO(os.stat('p').st_mode), os.stat('p').st_size), (True, 0))


@test
def a_fifo_without_a_reader():
    """Opening a fifo for writing without waiting is ENXIO while nobody reads"""
    os.mkfifo('p')
    refused(errno.ENXIO, os.open, 'p', os.O_WRONLY | os.O_NONBLOCK)
    reader = os.open('p', os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open('p', os.O_WRONLY | os.O_NONBLOCK)
    os.rename('p', 'q')
    os.unlink('q')
    os.write(writer, b'data')
    equal(os.read(reader, 9), b'data')


@test
def a_fifo_has_rights():
    """The mode of a fifo says who may open it"""
    os.mkfifo('p', 0o600)
    os.chown('p', ALICE.uid, ALICE.gid)
    refused(errno.EACCES, by, BOB, os.open, 'p', os.O_RDONLY | os.O_NONBLOCK)
    by(ALICE, os.open, 'p', os.O_RDONLY | os.O_NONBLOCK)


@test
def a_socket_between_two_processes():
    """A Unix socket is bound, listened on and connected to by its name"""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind('s')
        server.listen()
        check(stat.S_ISSOCK(os.stat('s').st_mode), 'no socket')

        def client():
            with socket.socket(socket.AF_UNIX) as end:
                end.connect('s')
                end.sendall(b'question')
                return end.recv(100)

        child = Child(client)
        end, _ = server.accept()
        equal(end.recv(100), b'question')
        end.sendall(b'answer')
        equal(child.result(), b'answer')
        os.rename('s', 't')
        refused(errno.ENOENT, socket.socket(socket.AF_UNIX).connect, 's')
        socket.socket(socket.AF_UNIX).connect('t')


@test
def socket_names():
    """A name can be bound once, opened never, and needs w to connect"""
    server = socket.socket(socket.AF_UNIX)
    server.bind('s')
    refused(errno.EADDRINUSE, socket.socket(socket.AF_UNIX).bind, 's')
    refused(errno.ENXIO, os.open, 's', os.O_RDONLY)
    refused(errno.ECONNREFUSED, socket.socket(socket.AF_UNIX).connect, 's')
    server.listen()
    os.chmod('s', 0o755)
    refused(errno.EACCES, by, ALICE, lambda: socket.socket(socket.AF_UNIX).connect('s'))
    os.chmod('s', 0o777)
    by(ALICE, lambda: socket.socket(socket.AF_UNIX).connect('s'))
    os.unlink('s')
    refused(errno.ENOENT, socket.socket(socket.AF_UNIX).connect, 's')


@test
def datagram_sockets():
    """A datagram socket receives by its name"""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind('s')
        Child(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'datagram', 's')).result()
        equal(server.recv(100), b'datagram')


@test
def device_numbers_are_kept():
    """mknod makes character and block devices, and keeps their numbers"""
    for number, (kind, major, minor) in enumerate((
        (stat.S_IFCHR, 1, 3), (stat.S_IFBLK, 7, 0), (stat.S_IFCHR, 259, 65536), (stat.S_IFBLK, 4095, 1048575), (stat.S_IFCHR, 0, 0), (stat.S_IFCHR, 255, 255),
    )):
        path = f'n{number}'
        os.mknod(path, kind | 0o640, os.makedev(major, minor))
        status = os.lstat(path)
        equal((stat.S_IFMT(status.st_mode), os.major(status.st_rdev), os.minor(status.st_rdev), mode_of(path)), (kind, major, minor, 0o640))
        os.chmod(path, 0o600)
        os.rename(path, path + 'b')
        equal(os.lstat(path + 'b').st_rdev, os.makedev(major, minor))


@test
def a_device_is_the_device():
    """A node of the null and the zero device is that device"""
    if os.statvfs('.').f_flag & os.ST_NODEV:
        skip('mounted nodev')
    os.mknod('null', stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod('zero', stat.S_IFCHR | 0o666, os.makedev(1, 5))
    with open('null', 'r+b', buffering=0) as null, open('zero', 'rb', buffering=0) as zero:
        equal((null.write(b'data'), null.read(10), zero.read(4)), (4, b'', bytes(4)))


@test
def devices_are_for_root():
    """A user makes fifos, sockets and plain files by mknod, no devices: EPERM"""
    make_directory('d', owner=ALICE)
    for kind in (stat.S_IFCHR, stat.S_IFBLK):
        refused(errno.EPERM, by, ALICE, os.mknod, 'd/n', kind | 0o600, os.makedev(1, 3))
    for kind in (stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFREG, 0):
        by(ALICE, os.mknod, f'd/{kind}', kind | 0o600)
        equal(stat.S_IFMT(os.lstat(f'd/{kind}').st_mode), kind or stat.S_IFREG)


@test
def mknod_of_what_is_there():
    """mknod of a taken name is EEXIST, of a directory EPERM or EINVAL"""
    make('f')
    refused(errno.EEXIST, os.mknod, 'f', stat.S_IFIFO | 0o600)
    refused((errno.EPERM, errno.EINVAL), os.mknod, 'd', stat.S_IFDIR | 0o700)
