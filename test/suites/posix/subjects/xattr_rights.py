"""Who may read and set extended attributes."""

import errno
import os

from harness.expect import equal, refused
from harness.files import make, make_directory
from harness.people import ALICE, BOB, by
from harness.registry import test


@test
def user_attributes_follow_the_mode():
    """user. attributes are read by who may read the file, and set by who may write it: EACCES"""
    make('f', mode=0o600, owner=ALICE)
    by(ALICE, os.setxattr, 'f', 'user.a', b'v')
    refused(errno.EACCES, by, BOB, os.getxattr, 'f', 'user.a')
    os.chmod('f', 0o604)
    equal(by(BOB, os.getxattr, 'f', 'user.a'), b'v')
    refused(errno.EACCES, by, BOB, os.setxattr, 'f', 'user.a', b'w')
    refused(errno.EACCES, by, BOB, os.removexattr, 'f', 'user.a')
    os.chmod('f', 0o602)
    by(BOB, os.setxattr, 'f', 'user.a', b'w')
    equal(os.getxattr('f', 'user.a'), b'w')


@test
def trusted_attributes_are_for_root():
    """trusted. attributes are set by root (EPERM) and for others not there (ENODATA)"""
    make('f', mode=0o666, owner=ALICE)
    os.setxattr('f', 'trusted.a', b'v')
    refused(errno.EPERM, by, ALICE, os.setxattr, 'f', 'trusted.b', b'v')
    refused(errno.EPERM, by, ALICE, os.removexattr, 'f', 'trusted.a')
    refused(errno.ENODATA, by, ALICE, os.getxattr, 'f', 'trusted.a')


@test
def trusted_attributes_are_not_listed():
    """trusted. attributes are listed for root only"""
    make('f', mode=0o666, owner=ALICE)
    os.setxattr('f', 'trusted.a', b'v')
    os.setxattr('f', 'user.a', b'v')
    equal((by(ALICE, os.listxattr, 'f'), sorted(os.listxattr('f'))), (['user.a'], ['trusted.a', 'user.a']))


@test
def security_attributes_are_set_by_root():
    """security. attributes are read by all and set by root: EPERM"""
    make('f', mode=0o666, owner=ALICE)
    os.setxattr('f', 'security.a', b'v')
    equal(by(ALICE, os.getxattr, 'f', 'security.a'), b'v')
    refused(errno.EPERM, by, ALICE, os.setxattr, 'f', 'security.b', b'v')
    refused(errno.EPERM, by, ALICE, os.removexattr, 'f', 'security.a')


@test
def sticky_directories():
    """user. attributes of a sticky directory are set by its owner only: EPERM"""
    make_directory('d', 0o1777, ALICE)
    refused(errno.EPERM, by, BOB, os.setxattr, 'd', 'user.a', b'v')
    by(ALICE, os.setxattr, 'd', 'user.a', b'v')
