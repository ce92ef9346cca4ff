"""The written list of what a file system is known not to do."""

from .registry import names


def read_exceptions(path):
    """{test: reason}. A line that names no test is an error: the list would rot."""
    if path is None:
        return {}
    exceptions = {}
    with open(path, encoding='utf-8') as lines:
        for number, line in enumerate(lines, 1):
            line = line.strip()
            if not line or line.startswith('#'):
                continue
            name, dash, reason = line.partition(' — ')
            if not dash or not reason:
                raise SystemExit(f'{path}:{number}: not "test — reason": {line}')
            if name not in names():
                raise SystemExit(f'{path}:{number}: there is no test {name}')
            exceptions[name] = reason
    return exceptions
