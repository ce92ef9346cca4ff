import t from 'tap'
import { leaseMs } from '../../../src/constants.js'
import { LeaseTable } from '../../../src/master/chunks/leases.js'
import type { ChunkHandle, LeaseId, ServerId } from '../../../src/wire/ids.js'

const a = 'a' as ServerId
const b = 'b' as ServerId
const terms = (handle: number, primary = a) => ({
  handle: handle as ChunkHandle,
  version: 1,
  primary,
  secondaries: primary === a ? [b] : [a],
})
const handle = 1 as ChunkHandle

t.test('a lease is in force until its time is over', async t => {
  const leases = new LeaseTable(1, leaseMs)
  t.equal(leases.current(handle, 0), undefined)
  const lease = leases.grant(terms(1), 100)
  t.match(lease, { primary: a, secondaries: [b], version: 1, expiresAt: 100 + leaseMs })
  t.same(leases.current(handle, 99 + leaseMs), lease)
  t.equal(leases.current(handle, 100 + leaseMs), undefined)
})

t.test('a second lease while one is in force is a bug', async t => {
  const leases = new LeaseTable(1, leaseMs)
  leases.grant(terms(1), 0)
  t.throws(() => leases.grant(terms(1, b), leaseMs - 1))
  t.doesNotThrow(() => leases.grant(terms(1, b), leaseMs))
})

t.test('lease ids rise, also across restarts of the master', async t => {
  const first = new LeaseTable(1, leaseMs)
  const one = first.grant(terms(1), 0).leaseId
  const two = first.grant(terms(2), 0).leaseId
  const three = new LeaseTable(2, leaseMs).grant(terms(1), 0).leaseId
  t.equal(one, 2 ** 32 + 1)
  t.equal(two, one + 1)
  t.equal(three, 2 * 2 ** 32 + 1)
})

t.test('the holder extends its lease, and nobody else', async t => {
  const leases = new LeaseTable(1, leaseMs)
  const { leaseId } = leases.grant(terms(1), 0)
  t.equal(leases.extend(handle, leaseId, b, 10), undefined)
  t.equal(leases.extend(handle, leaseId + 1, a, 10), undefined)
  t.equal(leases.extend(2 as ChunkHandle, leaseId, a, 10), undefined)
  t.match(leases.extend(handle, leaseId, a, 1_000), { expiresAt: 1_000 + leaseMs, grantedAt: 0 })
  t.equal(leases.extend(handle, leaseId, a, 1_000 + leaseMs), undefined, 'too late')
})

t.test('expired leases are cleared, the oldest first, and none before its time', async t => {
  const leases = new LeaseTable(1, leaseMs)
  for (let i = 1; i <= 4; i++) leases.grant(terms(i), i)
  const { leaseId } = leases.current(1 as ChunkHandle, 5) ?? {}
  leases.extend(1 as ChunkHandle, leaseId ?? 0, a, 1_000)
  const handles = (now: number, max = 10) => leases.expire(now, max).map(lease => lease.handle)
  t.same(handles(leaseMs + 1), [])
  t.same(handles(leaseMs + 4, 2), [2, 3])
  t.same(handles(leaseMs + 4), [4])
  t.same(handles(leaseMs + 1_000), [1])
  t.equal(leases.countHeldBy(a), 0)
})

t.test('a holder keeps its lease under a new version', async t => {
  const leases = new LeaseTable(1, leaseMs)
  const { leaseId } = leases.grant(terms(1), 0)
  leases.extend(handle, leaseId, a, 500)
  t.match(leases.change(handle, leaseId, 2, []), { version: 2, secondaries: [], expiresAt: 500 + leaseMs, leaseId })
  t.equal(leases.current(handle, 600)?.version, 2)
})

t.test('what a server holds is counted', async t => {
  const leases = new LeaseTable(1, leaseMs)
  leases.grant(terms(1), 0)
  leases.grant(terms(2), 0)
  leases.grant(terms(3, b), 10)
  t.same([...leases.heldBy(a)], [1, 2])
  t.equal(leases.countHeldBy(b), 1)
  t.equal(leases.countInForce(5), 3)
  t.equal(leases.countInForce(leaseMs), 1)
  t.match(leases.remove(1 as ChunkHandle), { handle: 1 })
  t.equal(leases.remove(1 as ChunkHandle), undefined)
  t.same([...leases.heldBy(a)], [2])
})

t.test('a lease that its holder reports is taken over', async t => {
  const id = (n: number) => n as LeaseId
  const leases = new LeaseTable(2, leaseMs)
  t.match(leases.adopt({ ...terms(1), leaseId: id(7) }, 5_000, 100), { leaseId: 7, expiresAt: 5_100 })
  t.match(leases.adopt({ ...terms(1), leaseId: id(7) }, 9_000, 200), { expiresAt: 5_100 }, 'known already')
  t.equal(leases.adopt({ ...terms(1, b), leaseId: id(7) }, 9_000, 200), undefined, 'another holds it')
  t.equal(leases.adopt({ ...terms(1, b), leaseId: id(6) }, 9_000, 200), undefined, 'an older one')
  t.match(leases.adopt({ ...terms(1, b), leaseId: id(8) }, 10 * leaseMs, 200), { primary: b, expiresAt: 200 + leaseMs })
  t.equal(leases.countHeldBy(a), 0)
})
