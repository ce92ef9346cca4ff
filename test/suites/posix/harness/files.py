"""Files made, changed and looked at in one word."""

import os
import stat

KiB, MiB, GiB = 2**10, 2**20, 2**30
# Of leasefs. Other file systems have no border there, and pass all the same.
CHUNK = 64 * MiB


def make(path, data=b'', mode=0o644, owner=None):
    """A new regular file with this content, mode and owner (a User)."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_all(fd, data)
        if owner:
            os.fchown(fd, owner.uid, owner.gid)
        os.fchmod(fd, mode)
    finally:
        os.close(fd)
    return path


def make_directory(path, mode=0o755, owner=None):
    os.mkdir(path)
    if owner:
        os.chown(path, owner.uid, owner.gid)
    os.chmod(path, mode)
    return path


def write_all(fd, data):
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view):]


def content(path):
    with open(path, 'rb', buffering=0) as file:
        return file.readall()


def read_at(fd, length, offset):
    """All that is there of a range."""
    parts = []
    while length > 0:
        part = os.pread(fd, length, offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
        length -= len(part)
    return b''.join(parts)


def put(path, data, flags=os.O_WRONLY, offset=0):
    """Writes into a file that is there."""
    with opened(path, flags) as fd:
        os.pwrite(fd, data, offset)


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def owner_of(path):
    status = os.lstat(path)
    return status.st_uid, status.st_gid


class opened:
    """with opened(path, flags, mode) as fd"""

    def __init__(self, path, flags=os.O_RDONLY, mode=0o644, **options):
        self.fd = os.open(path, flags, mode, **options)

    def __enter__(self):
        return self.fd

    def __exit__(self, *_):
        os.close(self.fd)
