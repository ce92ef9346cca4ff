"""The system calls that Python's os module does not have, or not with all they can."""

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH = 0x100, 0x400, 0x1000
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
KEEP_SIZE, PUNCH_HOLE, COLLAPSE_RANGE, ZERO_RANGE, INSERT_RANGE, UNSHARE_RANGE = 1, 2, 8, 16, 32, 64
UTIME_NOW, UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2
SYS_GETDENTS64 = {'x86_64': 217, 'aarch64': 61}.get(os.uname().machine)


class _Timespec(ctypes.Structure):
    _fields_ = [('seconds', ctypes.c_int64), ('nanoseconds', ctypes.c_long)]


def _checked(result, what=''):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)
    return result


def _path(path):
    return None if path is None else os.fsencode(path)


def renameat2(source, target, flags):
    _checked(_libc.renameat2(AT_FDCWD, _path(source), AT_FDCWD, _path(target), ctypes.c_uint(flags)))


def linkat(source, target, flags, source_fd=AT_FDCWD):
    _checked(_libc.linkat(source_fd, _path(source), AT_FDCWD, _path(target), flags))


def fallocate(fd, mode, offset, length):
    _checked(_libc.fallocate(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(length)))


def utimensat(path, atime, mtime, flags=0, fd=AT_FDCWD):
    """Times are (seconds, nanoseconds), UTIME_NOW or UTIME_OMIT. Without a path, those of the descriptor."""
    times = (_Timespec * 2)(*(_timespec(time) for time in (atime, mtime)))
    if path is None:
        _checked(_libc.futimens(fd, times))
    else:
        _checked(_libc.utimensat(fd, _path(path), times, flags))


def utimensat_null(path):
    _checked(_libc.utimensat(AT_FDCWD, _path(path), None, 0))


def _timespec(time):
    return _Timespec(*time) if isinstance(time, tuple) else _Timespec(0, time)


def syncfs(fd):
    _checked(_libc.syncfs(fd))


def getxattr(path, name, size):
    """The length that the call gives for a buffer of this size."""
    return _checked(_libc.getxattr(_path(path), name.encode(), ctypes.create_string_buffer(size) if size else None, ctypes.c_size_t(size)))


def listxattr(path, size):
    return _checked(_libc.listxattr(_path(path), ctypes.create_string_buffer(size) if size else None, ctypes.c_size_t(size)))


def setxattr(path, name, value, flags=0):
    """Passes on also what Python itself would refuse."""
    _checked(_libc.setxattr(_path(path), name, value, ctypes.c_size_t(len(value)), flags))


def msync(address, length, flags=4):
    _checked(_libc.msync(ctypes.c_void_p(address), ctypes.c_size_t(length), flags))


def filesystem_type(path='.'):
    """The magic number of statfs(2)."""
    buffer = ctypes.create_string_buffer(256)
    _checked(_libc.statfs(_path(path), buffer))
    return int.from_bytes(buffer.raw[:8], 'little')


TMPFS, EXT4, XFS = 0x01021994, 0xEF53, 0x58465342


def getdents(fd, size):
    """[(ino, offset, type, name)] of one getdents64(2) with a buffer of this size; empty at the end."""
    buffer = ctypes.create_string_buffer(size)
    length = _checked(_libc.syscall(SYS_GETDENTS64, fd, buffer, ctypes.c_size_t(size)))
    raw, entries, at = buffer.raw[:length], [], 0
    while at < length:
        ino, offset = int.from_bytes(raw[at:at + 8], 'little'), int.from_bytes(raw[at + 8:at + 16], 'little', signed=True)
        record, kind = int.from_bytes(raw[at + 16:at + 18], 'little'), raw[at + 18]
        entries.append((ino, offset, kind, raw[at + 19:at + record].split(b'\0', 1)[0]))
        at += record
    return entries


class _Dirent(ctypes.Structure):
    _fields_ = [
        ('ino', ctypes.c_uint64), ('offset', ctypes.c_int64), ('length', ctypes.c_uint16),
        ('kind', ctypes.c_uint8), ('name', ctypes.c_char * 256),
    ]


_libc.opendir.restype = ctypes.c_void_p
_libc.readdir.restype = ctypes.POINTER(_Dirent)
_libc.telldir.restype = ctypes.c_long


class Directory:
    """A DIR stream, with readdir(3) and its kin. Names are bytes."""

    def __init__(self, path='.'):
        self._stream = ctypes.c_void_p(_libc.opendir(_path(path)))
        if not self._stream:
            _checked(-1, path)

    def read(self):
        """(ino, type, name), or None at the end."""
        ctypes.set_errno(0)
        entry = _libc.readdir(self._stream)
        if not entry:
            if ctypes.get_errno():
                _checked(-1)
            return None
        return entry.contents.ino, entry.contents.kind, entry.contents.name

    def names(self):
        """Of the rest, but for . and .."""
        return [name for _, _, name in iter(self.read, None) if name not in (b'.', b'..')]

    def tell(self):
        return _checked(_libc.telldir(self._stream))

    def seek(self, position):
        _libc.seekdir(self._stream, ctypes.c_long(position))

    def rewind(self):
        _libc.rewinddir(self._stream)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _libc.closedir(self._stream)
