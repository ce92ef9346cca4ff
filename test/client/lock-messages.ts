import t from 'tap'
import type { Lock } from '../../src/client/file-system.js'
import { lockFromWire, lockToWire } from '../../src/client/lock-messages.js'
import { Lock as WireLock } from '../../src/wire/gen/common.js'

const lock: Lock = { kind: 'posix', type: 'shared', start: 5, end: 9, owner: 0xfedcba9876543210n, pid: 12 }

t.test('a lock comes back as it went', async t => {
  const cases: Lock[] = [lock, { ...lock, kind: 'flock', type: 'exclusive', start: 0, end: Infinity, owner: 1n }]
  for (const each of cases) t.same(lockFromWire(WireLock.decode(WireLock.encode(lockToWire(each)).finish())), each)
  t.equal(lockFromWire(undefined), undefined)
  t.equal(lockFromWire(lockToWire({ ...lock, type: 'unlocked' })), undefined)
})

t.test('a range may lie beyond any file', async t => {
  const far = { ...lock, start: 2 ** 62, end: 2 ** 62 + 1024 }
  t.same(lockFromWire(WireLock.decode(WireLock.encode(lockToWire(far)).finish())), far)
})

t.test('what is no range is refused', async t => {
  const bad: Partial<Lock>[] = [{ start: -1 }, { end: 5 }, { start: 1.5 }, { start: NaN }]
  for (const each of bad) t.throws(() => lockToWire({ ...lock, ...each }), { code: 'INVALID_ARGUMENT' })
})

t.test('a malformed lock of the master is not believed', async t => {
  t.throws(() => lockFromWire({ ...lockToWire(lock), owner: Buffer.alloc(3) }), { code: 'INTERNAL' })
})
