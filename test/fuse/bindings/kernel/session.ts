import { constants as fs } from 'node:fs'
import { constants } from 'node:os'
import t from 'tap'
import { deferred } from '../../../../src/base/deferred.js'
import { LeasefsError } from '../../../../src/base/errors.js'
import { SeededRandom } from '../../../../src/base/random.js'
import { MemorySurvivingMap } from '../../../../src/base/surviving-map.js'
import type { Ino } from '../../../../src/client/file-system.js'
import { Survival } from '../../../../src/client/survival.js'
import { copiedBytesMax, interruptGraceMs } from '../../../../src/fuse/bindings/kernel/limits.js'
import { type OpcodeName, opcodes } from '../../../../src/fuse/bindings/kernel/protocol.js'
import { done, type Reply, reply } from '../../../../src/fuse/bindings/kernel/request.js'
import {
  batchForgetIn,
  createIn,
  entryOut,
  forgetIn,
  forgetOne,
  initIn,
  initOut,
  interruptIn,
  linkIn,
  mkdirIn,
  mknodIn,
  openIn,
  openOut,
  releaseIn,
  rename2In,
  setxattrIn,
  writeIn,
} from '../../../../src/fuse/bindings/kernel/structs.js'
import { KernelError } from '../../../../src/fuse/errno.js'
import { kernelSession, texts } from '../../harness/kernel-session.js'
import { root } from '../../harness/memory-operations.js'
import { turn } from '../../harness/turn.js'

const { errno } = constants
const { O_CREAT, O_EXCL, O_RDWR } = fs
const nothing = Buffer.alloc(0)

const unanswered: readonly OpcodeName[] = ['FORGET', 'BATCH_FORGET', 'INTERRUPT']

t.test('nothing is called before INIT, which is answered with what was agreed on', async t => {
  const { ask, session } = await kernelSession({ ready: false })
  t.equal((await ask('GETATTR', Buffer.alloc(16))).errno, errno.EIO)
  const { body } = await ask('INIT', initIn.encode({ major: 7, minor: 45, flags: 0, maxReadahead: 4096 }))
  t.match(initOut.read(body), { major: 7, maxReadahead: 4096 })
  t.match(await session.agreed, { minor: 40 })
  t.equal((await ask('GETATTR', Buffer.alloc(16))).errno, 0)
})

t.test('a kernel that can not be served', async t => {
  const { ask, session, device, run } = await kernelSession({ ready: false })
  t.equal((await ask('INIT', initIn.encode({ major: 7, minor: 19 }))).errno, errno.EOPNOTSUPP)
  await t.rejects(session.agreed, { code: 'NOT_SUPPORTED' })
  device.close()
  await run
})

t.test('a mount that goes away before it is ready', async t => {
  const { session, device, run } = await kernelSession({ ready: false })
  device.close()
  await run
  await t.rejects(session.agreed, { code: 'IO' })
})

t.test('each call is answered once, and its bytes are given back', async t => {
  const answers: [OpcodeName, () => Promise<Reply>, number][] = [
    ['STATFS', async () => reply(Buffer.from('ab'), Buffer.from('c')), 0],
    ['GETATTR', () => Promise.reject(new LeasefsError('PERMISSION_DENIED', '')), errno.EACCES],
    ['READLINK', () => Promise.reject(new KernelError('ENXIO', '')), errno.ENXIO],
    ['LOOKUP', () => Promise.reject(new LeasefsError('NOT_FOUND', '')), errno.ENOENT],
    ['SETATTR', () => Promise.reject(new LeasefsError('NOT_FOUND', '')), errno.ESTALE],
    ['FSYNC', () => Promise.reject(new Error('unforeseen')), errno.EIO],
    ['FLUSH', async () => done, 0],
  ]
  for (const [name, call, expected] of answers) {
    const { send, device, inFlight } = await kernelSession({ calls: { [name]: call } })
    const sent = send(name, nothing)
    t.equal((await sent.answer).errno, expected, name)
    await turn()
    t.equal(device.answers.get(sent.unique)?.length, 1)
    t.ok(sent.released())
    t.equal(inFlight.count, 0)
    if (name === 'STATFS') t.equal(String((await sent.answer).body), 'abc')
  }
})

t.test('what is not spoken here', async t => {
  const { ask } = await kernelSession()
  for (const opcode of [0, 7, 19, 34, 37, 39, 40, 47, 48, 51, 52, 4096, 2 ** 32 - 1]) {
    t.equal((await ask(opcode, Buffer.alloc(64))).errno, errno.ENOSYS, `${opcode}`)
  }
  t.equal((await ask('DESTROY', nothing)).errno, 0)
})

t.test('less than a header', async t => {
  const { device, logged, ask } = await kernelSession()
  let released = 0
  device.send(Buffer.alloc(39), () => released++)
  t.equal(released, 1)
  t.equal(logged.length, 1)
  t.equal((await ask('STATFS', nothing)).errno, 0)
})

t.test('what the kernel forgets is forgotten without an answer', async t => {
  const { ask, send, known, device } = await kernelSession()
  const made = await ask('MKDIR', Buffer.concat([mkdirIn.encode({ mode: 0o755 }), texts('d')]))
  const { nodeid } = entryOut.read(made.body)
  await ask('LOOKUP', texts('d'))
  const one = send('FORGET', forgetIn.encode({ nlookup: 1 }), { ino: nodeid })
  t.ok(known.has(nodeid as Ino))
  const each = [forgetOne.encode({ nodeid, nlookup: 1 }), forgetOne.encode({ nodeid: 99, nlookup: 3 })]
  const both = send('BATCH_FORGET', Buffer.concat([batchForgetIn.encode({ count: 2 }), ...each]))
  t.notOk(known.has(nodeid as Ino))
  await turn()
  for (const { unique, released } of [one, both]) {
    t.notOk(device.answers.has(unique))
    t.ok(released())
  }
})

t.test('what was told to no one is not counted', async t => {
  const { ask, device, known, send, inFlight } = await kernelSession()
  await ask('MKDIR', Buffer.concat([mkdirIn.encode({ mode: 0o755 }), texts('d')]))
  t.equal(known.inodeCount, 1)
  const lookup = send('LOOKUP', texts('d'))
  device.abandoned.add(lookup.unique)
  while (inFlight.count > 0) await turn()
  const ino = known.inodes()[1] ?? 0
  send('FORGET', forgetIn.encode({ nlookup: 1 }), { ino })
  t.equal(known.inodeCount, 0)
})

t.test('the bytes of a large request are kept until its call has ended', async t => {
  const writing = deferred<Reply>()
  const { send, clock } = await kernelSession({ calls: { WRITE: () => writing.promise } })
  const sent = send('WRITE', Buffer.concat([writeIn.encode({ size: copiedBytesMax }), Buffer.alloc(copiedBytesMax)]))
  await turn()
  t.notOk(sent.released())
  send('INTERRUPT', interruptIn.encode({ unique: sent.unique }))
  await clock.advance(interruptGraceMs)
  t.equal((await sent.answer).errno, errno.EINTR)
  t.notOk(sent.released(), 'also when it has been answered')
  writing.resolve(done)
  await turn()
  t.ok(sent.released())
})

t.test('a small request is copied, and its bytes are given back at once', async t => {
  const writing = deferred<Reply>()
  const { send } = await kernelSession({ calls: { WRITE: () => writing.promise } })
  const sent = send('WRITE', Buffer.concat([writeIn.encode({ size: 100 }), Buffer.alloc(100)]))
  t.ok(sent.released())
  writing.resolve(done)
  t.equal((await sent.answer).errno, 0)
})

t.test('an interrupt of what has not come, or has ended: the kernel may ask again', async t => {
  const { send, ask } = await kernelSession()
  t.equal((await ask('INTERRUPT', interruptIn.encode({ unique: 1000 }))).errno, errno.EAGAIN)
  const ended = send('STATFS', nothing)
  await ended.answer
  t.equal((await ask('INTERRUPT', interruptIn.encode({ unique: ended.unique }))).errno, errno.EAGAIN)
})

t.test('an interrupt of what waits for its caller ends it at once', async t => {
  const call = ({ signal }: { signal: () => AbortSignal }) =>
    new Promise<Reply>((_, reject) => {
      signal().addEventListener('abort', () => reject(new LeasefsError('CANCELLED', '')))
    })
  const { send, device } = await kernelSession({ calls: { SETLKW: call } })
  const waiting = send('SETLKW', nothing)
  const interrupt = send('INTERRUPT', interruptIn.encode({ unique: waiting.unique }))
  t.equal((await waiting.answer).errno, errno.EINTR)
  t.notOk(device.answers.has(interrupt.unique))
})

t.test('what was opened too late is released again', async t => {
  const { send, ask, clock, operations, fileSystem, inFlight } = await kernelSession()
  const made = await ask('CREATE', Buffer.concat([createIn.encode({ flags: 2, mode: 0o644 }), texts('f')]))
  const ino = entryOut.read(made.body).nodeid
  await ask('RELEASE', releaseIn.encode({ fh: openOut.read(made.body, entryOut.size).fh }))
  t.equal(operations.files.openCount, 0)

  const going = deferred<void>()
  const open = fileSystem.open.bind(fileSystem)
  fileSystem.open = async (...args) => {
    await going.promise
    return open(...args)
  }
  const sent = send('OPEN', openIn.encode({ flags: 0 }), { ino })
  send('INTERRUPT', interruptIn.encode({ unique: sent.unique }))
  await clock.advance(interruptGraceMs)
  t.equal((await sent.answer).errno, errno.EINTR)
  t.equal(inFlight.count, 1)
  going.resolve()
  await turn()
  t.equal(inFlight.count, 0)
  t.equal(operations.files.openCount, 0)
})

t.test('whatever the kernel sends is answered with an errno, and nothing breaks', async t => {
  const random = new SeededRandom(7)
  const { ask, send, known, inFlight } = await kernelSession()
  const about = async (name: OpcodeName, body: Buffer, ino: number) => {
    if (unanswered.includes(name)) send(name, body, { ino })
    else await ask(name, body, { ino })
  }
  const names = (Object.keys(opcodes) as OpcodeName[]).filter(name => name !== 'INIT')
  for (const name of names) {
    for (let length = 0; length <= 96; length++) {
      await about(name, Buffer.alloc(length), 1)
      await about(name, Buffer.alloc(length, 0xff), 1)
    }
    for (let round = 0; round < 300; round++) {
      const body = Buffer.from(Array.from({ length: Math.floor(random.next() * 120) }, () => randomByte(random)))
      await about(name, body, round % 3 === 0 ? Math.floor(random.next() * 2 ** 53) : 1 + (round % 3))
    }
  }
  await turn()
  t.equal(inFlight.count, 0)
  t.equal((await ask('STATFS', nothing)).errno, 0, 'it goes on')
  t.ok(known.inodeCount < 1000)
})

/** Half of them are small: more of what is sent is taken for something. */
function randomByte(random: SeededRandom): number {
  const byte = Math.floor(random.next() * 256)
  return random.next() < 0.6 ? byte % 3 : byte
}

t.test('a process that goes on is not greeted, and makes nothing that was made already', async t => {
  const map = new MemorySurvivingMap()
  const outcomes = new Survival(map)
  const { ask, operations } = await kernelSession({ outcomes })
  const made = mkdirIn.encode({ mode: 0o755 })
  const d = Buffer.concat([made, texts('d')])
  t.equal((await ask('MKDIR', d)).errno, 0)

  // An earlier process has done all of these, and could not say so.
  const calls: [OpcodeName, Buffer][] = [
    ['MKDIR', d],
    ['MKNOD', Buffer.concat([mknodIn.encode({ mode: 0o100644 }), texts('d')])],
    ['SYMLINK', texts('d', 'target')],
    ['LINK', Buffer.concat([linkIn.encode({ oldnodeid: 99 }), texts('d')])],
    ['UNLINK', texts('none')],
    ['RMDIR', texts('none')],
    ['RENAME2', Buffer.concat([rename2In.encode({ newdir: 1 }), texts('none', 'new')])],
    ['SETXATTR', Buffer.concat([setxattrIn.encode({ size: 1, flags: 1 }), texts('user.x'), Buffer.of(0)])],
    ['REMOVEXATTR', texts('user.none')],
  ]
  for (const [opcode, body] of calls) if (opcode === 'SETXATTR') t.equal((await ask(opcode, body)).errno, 0)
  for (const [index, [opcode, body]] of calls.entries()) {
    const again = 1000 + index
    outcomes.done(again)
    t.equal((await ask(opcode, body, { again })).errno, 0, `${opcode} is answered as done`)
    t.equal(outcomes.outcome(again), undefined, "and that is no one's any more")
    t.not((await ask(opcode, body, { again: again + 1000 })).errno, 0, `${opcode} would have failed`)
  }
  t.same(
    (await operations.directories.list(root)).map(({ name }) => String(name)),
    ['.', '..', 'd'],
  )
})

t.test('what was made already is opened, also where it was to be new', async t => {
  const outcomes = new Survival(new MemorySurvivingMap())
  const { ask } = await kernelSession({ outcomes })
  const create = Buffer.concat([createIn.encode({ flags: O_CREAT | O_EXCL | O_RDWR, mode: 0o100644 }), texts('f')])
  t.equal((await ask('CREATE', create)).errno, 0)
  t.equal((await ask('CREATE', create, { again: 1001 })).errno, errno.EEXIST)
  outcomes.done(1002)
  t.equal((await ask('CREATE', create, { again: 1002 })).errno, 0)
})

t.test('an append that was taken already is not taken again', async t => {
  const outcomes = new Survival(new MemorySurvivingMap())
  const { ask } = await kernelSession({ outcomes })
  outcomes.done(1001)
  const body = Buffer.concat([writeIn.encode({ fh: 77, size: 1 }), Buffer.of(0)])
  t.equal((await ask('WRITE', body, { again: 1001 })).errno, 0)
})

t.test('where nobody knows what a call came to, and where a handle is lost, the caller gets EIO', async t => {
  const outcomes = new Survival(new MemorySurvivingMap())
  const { ask } = await kernelSession({ outcomes })
  outcomes.unknown(1001)
  t.equal((await ask('UNLINK', texts('x'), { again: 1001 })).errno, errno.EIO)
  t.equal(outcomes.outcome(1001), undefined, 'said once')
  t.equal((await ask('FSYNC', Buffer.alloc(16))).errno, errno.EIO)
})

t.test('it is noted which calls have not been answered, if that is wanted', async t => {
  const waiting = deferred<Reply>()
  const { ask, send, session } = await kernelSession({ calls: { STATFS: () => waiting.promise } })
  const noted: string[] = []
  session.note({ begin: unique => noted.push(`+${unique}`), end: unique => noted.push(`-${unique}`) })
  const first = send('STATFS', nothing)
  t.same(noted, [`+${first.unique}`])
  await ask('GETATTR', Buffer.alloc(16))
  waiting.resolve(done)
  await first.answer
  t.same(noted.sort(), [`+${first.unique}`, `+${first.unique + 2}`, `-${first.unique}`, `-${first.unique + 2}`].sort())
})
