import t from 'tap'
import type { Lock } from '../../../src/client/file-system.js'
import { memoryOperations, root } from '../harness/memory-operations.js'

const lock = (owner: bigint, more: Partial<Lock> = {}): Lock => ({
  ...{ kind: 'posix', type: 'exclusive', start: 0, end: 100, owner, pid: Number(owner) },
  ...more,
})
const now = { wait: false }

t.test('locks of others are in the way, and found', async t => {
  const { locks } = memoryOperations().operations
  await locks.set(root, lock(1n), now)
  t.match(await locks.find(root, lock(2n)), { pid: 1, start: 0, end: 100 })
  t.equal(await locks.find(root, lock(1n)), undefined)
  t.equal(await locks.find(root, lock(2n, { kind: 'flock' })), undefined, 'the two kinds do not meet')
  await t.rejects(locks.set(root, lock(2n), now), { code: 'WOULD_BLOCK' })
  await locks.set(root, lock(2n, { start: 100, end: Infinity }), now)
})

t.test('a range that is given up splits a lock', async t => {
  const { locks } = memoryOperations().operations
  await locks.set(root, lock(1n), now)
  await locks.unlock(root, { kind: 'posix', start: 40, end: 60, owner: 1n })
  await locks.set(root, lock(2n, { start: 40, end: 60 }), now)
  for (const start of [39, 60]) {
    await t.rejects(locks.set(root, lock(2n, { start, end: start + 1 }), now), { code: 'WOULD_BLOCK' })
  }
})

t.test('a wait ends when the way is free, or is interrupted', async t => {
  const { locks } = memoryOperations().operations
  await locks.set(root, lock(1n), now)
  const waiting = locks.set(root, lock(2n), { wait: true })
  const end = new AbortController()
  const interrupted = locks.set(root, lock(3n), { wait: true, signal: end.signal })
  end.abort()
  await t.rejects(interrupted, { code: 'CANCELLED' })
  await locks.set(root, lock(1n, { type: 'shared' }), now)
  t.match(await locks.find(root, lock(3n, { type: 'shared' })), undefined)
  await locks.unlock(root, { kind: 'posix', start: 0, end: Infinity, owner: 1n })
  await waiting
  t.match(await locks.find(root, lock(3n)), { pid: 2 })
})

t.test('a circle of waits is refused', async t => {
  const { locks } = memoryOperations().operations
  await locks.set(root, lock(1n, { start: 0, end: 1 }), now)
  await locks.set(root, lock(2n, { start: 1, end: 2 }), now)
  const waiting = locks.set(root, lock(1n, { start: 1, end: 2 }), { wait: true })
  await t.rejects(locks.set(root, lock(2n, { start: 0, end: 1 }), { wait: true }), { code: 'DEADLOCK' })
  await locks.unlock(root, { kind: 'posix', start: 0, end: Infinity, owner: 2n })
  await waiting
})
