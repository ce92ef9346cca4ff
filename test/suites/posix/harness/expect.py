"""What a test says of what it saw."""

import errno
import os


class Skip(Exception):
    """This file system, or this machine, can't be asked."""


def skip(reason):
    raise Skip(reason)


def check(condition, otherwise):
    if not condition:
        raise AssertionError(otherwise)


def equal(found, wanted, what=''):
    if found != wanted:
        raise AssertionError(f'{what + ": " if what else ""}{shown(found)}, not {shown(wanted)}')


def shown(value):
    if isinstance(value, (bytes, str)) and len(value) > 200:
        return f'{value[:100]!r}... ({len(value)} long)'
    return repr(value)


def refused(code, call, *args, **options):
    """`call` fails with this errno, or one of several that file systems give."""
    codes = code if isinstance(code, tuple) else (code,)
    wanted = ' or '.join(errno.errorcode[code] for code in codes)
    try:
        result = call(*args, **options)
    except OSError as error:
        if error.errno not in codes:
            found = errno.errorcode.get(error.errno, error.errno)
            raise AssertionError(f'{_call_text(call, args)}: {found}, not {wanted}') from error
        return error.errno
    raise AssertionError(f'{_call_text(call, args)}: {shown(result)}, not {wanted}')


def _call_text(call, args):
    return f'{getattr(call, "__name__", call)}({", ".join(map(shown, args))})'


def exists(path):
    try:
        os.lstat(path)
        return True
    except FileNotFoundError:
        return False
