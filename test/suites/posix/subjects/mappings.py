"""Files in memory, shared and private."""

import errno
import mmap
import os
import signal

from harness.expect import check, equal, refused
from harness.files import CHUNK, MiB, content, make, opened, read_at
from harness.people import Child
from harness.registry import test

PAGE = 4096


@test
def a_shared_mapping_is_the_file():
    """What is written through a shared mapping is read by read, and what write wrote is in the mapping, at once"""
    make('f', b'a' * (3 * PAGE))
    with opened('f', os.O_RDWR) as fd, mmap.mmap(fd, 3 * PAGE) as memory:
        memory[5000:5003] = b'map'
        equal(os.pread(fd, 5, 4999), b'amapa')
        os.pwrite(fd, b'write', 100)
        equal(memory[99:106], b'awritea')
        with opened('f', os.O_RDWR) as other:
            os.pwrite(other, b'other', 8190)
            equal((memory[8190:8195], os.pread(other, 3, 5000)), (b'other', b'map'))


@test
def a_shared_mapping_is_written_back():
    """What is written through a mapping is in the file after msync, and after the mapping is gone"""
    make('f', b'a' * MiB)
    with opened('f', os.O_RDWR) as fd:
        memory = mmap.mmap(fd, MiB)
    memory[0:5] = b'first'
    memory.flush()
    equal(content('f')[:6], b'firsta')
    memory[MiB - 4:] = b'last'
    memory.close()
    equal(content('f')[-5:], b'alast')
    equal(Child(content, 'f').result()[-5:], b'alast')


@test
def processes_share_it():
    """Two processes see through their mappings what the other writes"""
    make('f', bytes(PAGE))
    with opened('f', os.O_RDWR) as fd, mmap.mmap(fd, PAGE) as memory:
        def body():
            with opened('f', os.O_RDWR) as own, mmap.mmap(own, PAGE) as theirs:
                theirs[0:6] = theirs[10:16].upper()

        memory[10:16] = b'letter'
        Child(body).result()
        equal(memory[0:6], b'LETTER')


@test
def a_private_mapping_is_not_the_file():
    """What is written through a private mapping does not reach the file"""
    make('f', b'a' * (2 * PAGE))
    with opened('f') as fd, mmap.mmap(fd, 2 * PAGE, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE) as memory:
        memory[0:4] = b'mine'
        equal((memory[0:5], os.pread(fd, 5, 0)), (b'minea', b'aaaaa'))
    equal(content('f'), b'a' * (2 * PAGE))


@test
def beyond_the_end():
    """The rest of the last page is zeros, is not written, and a page beyond is SIGBUS"""
    make('f', b'a' * 100)

    def touch():
        with opened('f', os.O_RDWR) as fd, mmap.mmap(fd, PAGE) as memory:
            os.ftruncate(fd, 0)
            return memory[0]

    with opened('f', os.O_RDWR) as fd:
        os.ftruncate(fd, PAGE)
        memory = mmap.mmap(fd, PAGE)
        os.ftruncate(fd, 100)
        equal(memory[98:104], b'aa\0\0\0\0')
        memory[200:203] = b'xyz'
        memory.flush()
        equal((os.fstat(fd).st_size, content('f')), (100, b'a' * 100))
        memory.close()
    os.truncate('f', PAGE)
    pid = os.fork()
    if pid == 0:
        import faulthandler
        faulthandler.disable()
        touch()
        os._exit(0)
    equal(os.WTERMSIG(os.waitpid(pid, 0)[1]), signal.SIGBUS)


@test
def rights_of_a_mapping():
    """A shared mapping to write needs a descriptor open for both: EACCES; a private one only for reading"""
    make('f', b'a' * PAGE)
    with opened('f') as fd:
        refused(errno.EACCES, mmap.mmap, fd, PAGE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        mmap.mmap(fd, PAGE, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE).close()
    with opened('f', os.O_WRONLY) as fd:
        refused(errno.EACCES, mmap.mmap, fd, PAGE, mmap.MAP_SHARED, mmap.PROT_READ)


@test(limit=120)
def across_the_border_of_chunks():
    """A mapping across 64 MiB reads and writes both sides"""
    with opened('f', os.O_CREAT | os.O_RDWR) as fd:
        os.ftruncate(fd, CHUNK + MiB)
        os.pwrite(fd, b'before|after', CHUNK - 7)
        with mmap.mmap(fd, 2 * MiB, offset=CHUNK - MiB) as memory:
            equal(memory[MiB - 7:MiB + 5], b'before|after')
            memory[MiB - 3:MiB + 3] = b'across'
            memory.flush()
    with opened('f') as fd:
        equal(read_at(fd, 12, CHUNK - 7), b'befoacrosser')


@test
def many_pages_at_random():
    """Pages written in random order through a mapping are all there"""
    import random
    order = list(range(500))
    random.Random(1).shuffle(order)
    with opened('f', os.O_CREAT | os.O_RDWR) as fd:
        os.ftruncate(fd, 500 * PAGE)
        with mmap.mmap(fd, 500 * PAGE) as memory:
            for page in order:
                memory[page * PAGE:page * PAGE + 4] = b'%04d' % page
    data = content('f')
    check(all(data[page * PAGE:page * PAGE + 5] == b'%04d\0' % page for page in order), 'a page is missing')
