import { constants } from 'node:os'
import t from 'tap'
import type { Ino } from '../../../../src/client/file-system.js'
import { renameFlags } from '../../../../src/fuse/bindings/kernel/protocol.js'
import {
  attrOut,
  entryOut,
  linkIn,
  mkdirIn,
  mknodIn,
  rename2In,
  renameIn,
} from '../../../../src/fuse/bindings/kernel/structs.js'
import { kernelSession, texts } from '../../harness/kernel-session.js'
import { caller, root } from '../../harness/memory-operations.js'
import { turn } from '../../harness/turn.js'

const { errno } = constants
const getattr = Buffer.alloc(16)

async function names() {
  const session = await kernelSession()
  const { ask } = session
  const make = (name: string) => ask('MKNOD', Buffer.concat([mknodIn.encode({ mode: 0o100644 }), texts(name)]))
  const makeDirectory = (name: string) => ask('MKDIR', Buffer.concat([mkdirIn.encode({ mode: 0o750 }), texts(name)]))
  const lookup = async (name: string) => entryOut.read((await ask('LOOKUP', texts(name))).body)
  const rename = (from: string, to: string, flags = 0) =>
    ask('RENAME2', Buffer.concat([rename2In.encode({ newdir: root, flags }), texts(from, to)]))
  return { ...session, make, makeDirectory, lookup, rename }
}

t.test('what is made is the caller’s, and the kernel knows it', async t => {
  const { make, makeDirectory, lookup, known } = await names()
  const file = entryOut.read((await make('f')).body)
  t.match(file, { mode: 0o100644, uid: caller.uid, gid: caller.gid, nlink: 1 })
  t.match(entryOut.read((await makeDirectory('d')).body), { mode: 0o040750, nlink: 2 })
  t.equal((await make('f')).errno, errno.EEXIST)
  t.equal((await lookup('f')).nodeid, file.nodeid)
  t.equal(known.inodeCount, 2)
})

t.test('a name that is not there is an answer, not an error', async t => {
  const { ask } = await names()
  const answer = await ask('LOOKUP', texts('none'))
  t.equal(answer.errno, 0)
  t.equal(entryOut.read(answer.body).nodeid, 0)
  t.equal((await ask('LOOKUP', texts('x'.repeat(300)))).errno, errno.ENAMETOOLONG)
})

t.test('mknod of what it does not make', async t => {
  const { ask } = await names()
  for (const mode of [0o040755, 0o120777, 0o170000]) {
    const body = Buffer.concat([mknodIn.encode({ mode }), texts('n')])
    t.equal((await ask('MKNOD', body)).errno, errno.EINVAL, mode.toString(8))
  }
})

t.test('links of both kinds', async t => {
  const { ask, make, lookup } = await names()
  await make('f')
  const { nodeid } = await lookup('f')
  const linked = await ask('LINK', Buffer.concat([linkIn.encode({ oldnodeid: nodeid }), texts('g')]))
  t.match(entryOut.read(linked.body), { nodeid, nlink: 2 })
  const { body } = await ask('SYMLINK', texts('s', 'a/target'))
  const symlink = entryOut.read(body)
  t.equal(symlink.mode & 0o170000, 0o120000)
  t.equal(String((await ask('READLINK', Buffer.alloc(0), { ino: symlink.nodeid })).body), 'a/target')
})

t.test('renames, with their flags', async t => {
  const { ask, make, lookup, rename } = await names()
  await make('a')
  await make('b')
  const [a, b] = [await lookup('a'), await lookup('b')]
  t.equal((await rename('a', 'b', renameFlags.NOREPLACE)).errno, errno.EEXIST)
  t.equal((await rename('a', 'b', renameFlags.EXCHANGE)).errno, 0)
  t.same([(await lookup('a')).nodeid, (await lookup('b')).nodeid], [b.nodeid, a.nodeid])
  t.equal((await rename('a', 'b', 1 << 2)).errno, errno.EINVAL, 'a flag that is not known')
  t.equal((await ask('RENAME', Buffer.concat([renameIn.encode({ newdir: root }), texts('a', 'c')]))).errno, 0)
  t.equal((await lookup('c')).nodeid, b.nodeid)
})

t.test('what the kernel remembers of a renamed entry is listed under the new name', async t => {
  const { ask, make, makeDirectory, lookup, send, known, inFlight } = await names()
  await make('a')
  await makeDirectory('d')
  const { nodeid } = await lookup('d')
  const directory = nodeid as Ino
  const body = (...moved: string[]) => Buffer.concat([rename2In.encode({ newdir: nodeid }), texts(...moved)])
  const rename = send('RENAME2', body('a', 'b'))
  t.ok(inFlight.isBusy(directory), 'the kernel has locked it')
  known.takeNames(directory) // Another mount has changed something meanwhile.
  t.equal((await rename.answer).errno, 0)
  t.same(known.takeNames(directory).map(String), ['b'])
  await turn()
  t.notOk(inFlight.isBusy(directory))

  await make('c')
  const exchange = rename2In.encode({ newdir: nodeid, flags: renameFlags.EXCHANGE })
  t.equal((await ask('RENAME2', Buffer.concat([exchange, texts('c', 'b')]))).errno, 0)
  t.same(known.takeNames(directory).map(String), ['b'])
  t.same(known.takeNames(root).map(String), ['c'])
})

t.test('who stands in what was removed, or replaced, is still told what it was', async t => {
  const { ask, makeDirectory, lookup, rename } = await names()
  for (const name of ['one', 'two', 'three']) await makeDirectory(name)
  const [one, two] = [await lookup('one'), await lookup('two')]
  t.equal((await ask('RMDIR', texts('one'))).errno, 0)
  t.equal((await rename('three', 'two')).errno, 0)
  for (const { nodeid } of [one, two]) {
    const { errno: failure, body } = await ask('GETATTR', getattr, { ino: nodeid })
    t.equal(failure, 0)
    t.match(attrOut.read(body), { ino: nodeid, nlink: 0, mode: 0o040750 })
  }
  t.equal((await ask('GETATTR', getattr, { ino: 999 })).errno, errno.ESTALE, 'what never was is not')
})
