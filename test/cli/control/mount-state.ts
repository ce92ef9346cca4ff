import t from 'tap'
import { SeededRandom } from '../../../src/base/random.js'
import { operationsListedMax } from '../../../src/cli/control/limits.js'
import { mountState, readAnswer } from '../../../src/cli/control/mount-state.js'
import type { Ino } from '../../../src/wire/ids.js'

export const client = {
  ...{ clusterId: 'c', session: 7, master: 'h:1', connected: false, standingMs: 900, silentMs: 0, reason: 'refused' },
  ...{ dirtyBytes: 10, lostBytes: 20, errorsUntold: 1, openInodes: 2, waitCount: 1 },
  waits: [
    { what: 'read', waitsFor: 'replicas', ageMs: 5, leftMs: 7, ino: 3 as Ino, index: 0, servers: ['h:2'] },
  ] as const,
}
const mount = { mountPoint: '/mnt/a', pid: 12, binding: 'kernel', client }

t.test('what a mount says is read as it was said', async t => {
  const underway = [
    { operation: 'READ', since: 30, ino: 5 as Ino, pid: 9 },
    { operation: 'getattr', since: 10, path: '/x' },
  ]
  const state = mountState({ ...mount, underway }, 100)
  t.same(state.operations, [
    { operation: 'getattr', ageMs: 90, path: '/x' },
    { operation: 'READ', ageMs: 70, ino: 5, pid: 9 },
  ])
  t.same(readAnswer(JSON.stringify({ state })), { state })
  const end = { lostBytes: 5, failure: 'no' }
  t.same(readAnswer(JSON.stringify({ end })), { end })
})

t.test('of many operations the oldest are told', async t => {
  const underway = Array.from({ length: 500 }, (_, i) => ({ operation: 'x', since: 500 - i }))
  const { operations, operationCount } = mountState({ ...mount, underway }, 500)
  t.equal(operations.length, operationsListedMax)
  t.equal(operations[0]?.ageMs, 499)
  t.equal(operationCount, 500)
})

t.test('whatever a process says is read or refused, and does nothing to a terminal', async t => {
  const state = mountState({ ...mount, underway: [] }, 0)
  const evil = readAnswer(JSON.stringify({ state: { ...state, mountPoint: 'a\u001b[2J\nb' } }))
  t.match(evil, { state: { mountPoint: 'a?[2J?b' } })
  for (const value of [null, 1, 'x', [], {}, -1, 1.5, { a: null }]) {
    for (const name of ['dirtyBytes', 'waits', 'operations', 'master', 'pid']) {
      const line = JSON.stringify({ state: { ...state, [name]: value } })
      try {
        readAnswer(line)
      } catch (reason) {
        t.match(reason, { code: 'INVALID_ARGUMENT' }, line)
      }
    }
  }
  const random = new SeededRandom(7)
  const below = (count: number) => Math.floor(random.next() * count)
  const text = JSON.stringify({ state })
  for (let i = 0; i < 500; i++) {
    const at = below(text.length)
    const broken = text.slice(0, at) + String.fromCharCode(below(256)) + text.slice(at + below(3))
    try {
      readAnswer(broken)
    } catch (reason) {
      t.match(reason, { code: 'INVALID_ARGUMENT' }, broken)
    }
  }
})
