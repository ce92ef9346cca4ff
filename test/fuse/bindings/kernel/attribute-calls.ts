import { constants } from 'node:os'
import t from 'tap'
import { changesOf } from '../../../../src/fuse/bindings/kernel/attribute-calls.js'
import { setattrFlags, xattrFlags } from '../../../../src/fuse/bindings/kernel/protocol.js'
import {
  attrOut,
  getxattrIn,
  getxattrOut,
  setattrIn,
  setxattrIn,
  statfsOut,
} from '../../../../src/fuse/bindings/kernel/structs.js'
import { kernelSession, texts } from '../../harness/kernel-session.js'

const { errno } = constants

t.test('what is marked as valid changes, and nothing else', async t => {
  const { MODE, UID, GID, SIZE, ATIME, MTIME, ATIME_NOW, MTIME_NOW, KILL_SUIDGID } = setattrFlags
  const times = { atime: -5, atimensec: 6, mtime: 2 ** 33, mtimensec: 999_999_999 }
  const all = { mode: 0o106755, uid: 2 ** 32 - 2, gid: 3, size: 2 ** 40, ...times }
  const changes = (valid: number) => changesOf(setattrIn.encode({ ...all, valid }))
  t.same(changes(0), {})
  t.same(changes(MODE), { mode: 0o6755 })
  t.same(changes(UID | GID), { uid: 2 ** 32 - 2, gid: 3 })
  t.same(changes(SIZE | KILL_SUIDGID), { size: 2 ** 40, killPrivileges: true })
  const [atime, mtime] = [
    { seconds: -5, nanos: 6 },
    { seconds: 2 ** 33, nanos: 999_999_999 },
  ]
  t.same(changes(ATIME | MTIME), { atime, mtime })
  t.same(changes(ATIME | ATIME_NOW | MTIME), { atime: 'now', mtime })
  t.same(changes(MTIME | MTIME_NOW), { mtime: 'now' })
  t.same(changes(ATIME_NOW | MTIME_NOW), {}, 'now, but not to be changed')
})

t.test('attributes of the root, and of the file system', async t => {
  const { ask } = await kernelSession()
  const { body } = await ask('SETATTR', setattrIn.encode({ valid: setattrFlags.MODE, mode: 0o711 }))
  t.match(attrOut.read(body), { ino: 1, mode: 0o040711 })
  const status = statfsOut.read((await ask('STATFS', Buffer.alloc(0))).body)
  t.match(status, { bsize: 4096, frsize: 4096, namelen: 255 })
  t.ok(status.bfree <= status.blocks)
})

t.test('what a write is about to change is asked for again, but by a kernel that knows it itself', async t => {
  for (const exclusive of [false, true]) {
    const { ask, fileSystem } = await kernelSession({ exclusive })
    Object.defineProperty(fileSystem, 'cacheValidMs', { value: 3000 })
    const getAttributes = fileSystem.getAttributes.bind(fileSystem)
    t.equal(attrOut.read((await ask('GETATTR', Buffer.alloc(16))).body).attrValid, 3)
    fileSystem.getAttributes = async ino => ({ ...(await getAttributes(ino)), unsettled: true })
    t.equal(attrOut.read((await ask('GETATTR', Buffer.alloc(16))).body).attrValid, exclusive ? 3 : 0)
  }
})

t.test('extended attributes: their sizes, their values, and too little room', async t => {
  const { ask } = await kernelSession()
  const set = (name: string, value: string, flags = 0) =>
    ask('SETXATTR', Buffer.concat([setxattrIn.encode({ size: value.length, flags }), texts(name), Buffer.from(value)]))
  const get = (name: string, size: number) => ask('GETXATTR', Buffer.concat([getxattrIn.encode({ size }), texts(name)]))

  t.equal((await set('user.a', 'value', xattrFlags.REPLACE)).errno, errno.ENODATA)
  t.equal((await set('user.a', 'value', xattrFlags.CREATE)).errno, 0)
  t.equal((await set('user.a', 'value', xattrFlags.CREATE)).errno, errno.EEXIST)
  t.equal(getxattrOut.read((await get('user.a', 0)).body).size, 5)
  t.equal(String((await get('user.a', 5)).body), 'value')
  t.equal((await get('user.a', 4)).errno, errno.ERANGE)
  t.equal((await get('user.b', 4)).errno, errno.ENODATA)
  t.equal((await get('system.posix_acl_access', 0)).errno, errno.EOPNOTSUPP)
  t.equal(String((await ask('LISTXATTR', getxattrIn.encode({ size: 100 }))).body), 'user.a\0')
  t.equal((await ask('LISTXATTR', getxattrIn.encode({ size: 6 }))).errno, errno.ERANGE)
  t.equal((await ask('REMOVEXATTR', texts('user.a'))).errno, 0)
  t.equal(getxattrOut.read((await ask('LISTXATTR', getxattrIn.encode({}))).body).size, 0)

  const short = Buffer.concat([setxattrIn.encode({ size: 9 }), texts('user.c'), Buffer.from('short')])
  t.equal((await ask('SETXATTR', short)).errno, errno.EINVAL)
})
