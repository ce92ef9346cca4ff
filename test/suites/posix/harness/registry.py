"""The tests: each a function whose docstring states a fact."""

import fnmatch


class Case:
    def __init__(self, body, limit, large):
        self.name = f'{body.__module__.rpartition(".")[2]}.{body.__name__}'
        self.fact = ' '.join(body.__doc__.split()).rstrip('.')
        self.body = body
        self.limit = limit
        self.large = large


_cases = {}


def test(body=None, *, limit=60, large=False):
    """Makes a function a test. It runs in a process and in an empty directory of its
    own, which is its working directory, as root with umask 0, for at most `limit` seconds."""

    def register(body):
        case = Case(body, limit, large)
        assert case.name not in _cases, case.name
        _cases[case.name] = case
        return body

    return register(body) if body else register


def names():
    return _cases.keys()


def select(pattern, large):
    return [
        case
        for case in _cases.values()
        if (large or not case.large) and (pattern is None or fnmatch.fnmatch(case.name, pattern))
    ]
