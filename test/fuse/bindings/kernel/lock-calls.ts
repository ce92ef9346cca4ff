import { constants } from 'node:os'
import t from 'tap'
import { interruptGraceMs } from '../../../../src/fuse/bindings/kernel/limits.js'
import { lockEndMax, lockIsFlock, lockTypes, type OpcodeName } from '../../../../src/fuse/bindings/kernel/protocol.js'
import { createIn, entryOut, interruptIn, lkIn, lkOut } from '../../../../src/fuse/bindings/kernel/structs.js'
import { kernelSession, texts } from '../../harness/kernel-session.js'

const { errno } = constants
const { shared, exclusive, unlocked } = lockTypes

async function lockable() {
  const session = await kernelSession()
  const { body } = await session.ask('CREATE', Buffer.concat([createIn.encode({ flags: 2, mode: 0o600 }), texts('f')]))
  const about = { ino: entryOut.read(body).nodeid }
  const lock = (
    opcode: OpcodeName,
    owner: bigint,
    type: number,
    range: { start?: bigint; end?: bigint; lkFlags?: number } = {},
  ) => session.send(opcode, lkIn.encode({ owner, type, end: lockEndMax, pid: 7, ...range }), about)
  return { ...session, lock }
}

const farOwner = 2n ** 64n - 1n

t.test('a lock is in the way of another owner, whose ends are inclusive', async t => {
  const { lock } = await lockable()
  t.equal((await lock('SETLK', farOwner, exclusive, { start: 10n, end: 19n }).answer).errno, 0)
  t.equal((await lock('SETLK', farOwner - 1n, shared, { start: 19n, end: 30n }).answer).errno, errno.EAGAIN)
  t.equal((await lock('SETLK', farOwner - 1n, shared, { start: 20n, end: 30n }).answer).errno, 0)
  const found = await lock('GETLK', 1n, exclusive, { start: 0n, end: 15n }).answer
  t.same(lkOut.read(found.body), { start: 10n, end: 19n, type: exclusive, pid: 7 })
  t.equal(lkOut.read((await lock('GETLK', 1n, exclusive, { end: 9n }).answer).body).type, unlocked)
})

t.test('a lock to the end of whatever the file becomes', async t => {
  const { lock } = await lockable()
  t.equal((await lock('SETLK', 1n, shared).answer).errno, 0)
  t.equal(lkOut.read((await lock('GETLK', 2n, exclusive).answer).body).end, lockEndMax)
  t.equal((await lock('SETLK', 1n, unlocked).answer).errno, 0)
  t.equal(lkOut.read((await lock('GETLK', 2n, exclusive).answer).body).type, unlocked)
})

t.test('a lock that ends just below the largest offset', async t => {
  const { lock } = await lockable()
  t.equal((await lock('SETLK', 1n, shared, { start: 5n, end: lockEndMax - 1n }).answer).errno, 0)
  const found = await lock('GETLK', 2n, exclusive).answer
  t.match(lkOut.read(found.body), { start: 5n, end: lockEndMax })
})

t.test('flock(2) and fcntl(2) are not in each other’s way', async t => {
  const { lock } = await lockable()
  t.equal((await lock('SETLK', 1n, exclusive, { lkFlags: lockIsFlock }).answer).errno, 0)
  t.equal((await lock('SETLK', 2n, exclusive).answer).errno, 0)
  t.equal((await lock('SETLK', 3n, exclusive, { lkFlags: lockIsFlock }).answer).errno, errno.EAGAIN)
})

t.test('who waits is let in, or gives up when interrupted', async t => {
  const { lock, ask, send, clock } = await lockable()
  await lock('SETLK', 1n, exclusive).answer
  const patient = lock('SETLKW', 2n, exclusive)
  const interrupted = lock('SETLKW', 3n, exclusive)
  send('INTERRUPT', interruptIn.encode({ unique: interrupted.unique }))
  t.equal((await interrupted.answer).errno, errno.EINTR)
  await clock.advance(interruptGraceMs)
  await lock('SETLK', 1n, unlocked).answer
  t.equal((await patient.answer).errno, 0)
  t.equal((await ask('STATFS', Buffer.alloc(0))).errno, 0)
})

t.test('what is no lock', async t => {
  const { lock } = await lockable()
  t.equal((await lock('SETLK', 1n, 3).answer).errno, errno.EINVAL)
  t.equal((await lock('SETLK', 1n, shared, { start: 5n, end: 4n }).answer).errno, errno.EINVAL)
  t.equal((await lock('GETLK', 1n, unlocked).answer).errno, errno.EINVAL)
})
