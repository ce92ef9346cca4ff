import t from 'tap'
import { noUsage } from '../../../../src/master/chunk-table.js'
import { type Holder, needOf, urgencyOf } from '../../../../src/master/chunks/repair/need.js'
import type { ChunkHandle, Ino, ServerId } from '../../../../src/wire/ids.js'

const record = {
  ...{ handle: 1 as ChunkHandle, ino: 7 as Ino, index: 0, version: 5, settledVersion: 5, replicaCount: 3, goal: 3 },
  ...noUsage,
}

function holder(server: string, more: Partial<Holder> = {}): Holder {
  const location = { dc: 'd', rack: server, host: server }
  return {
    server: server as ServerId,
    version: 5,
    standing: 'serving',
    draining: false,
    location,
    freeBytes: 100,
    ...more,
  }
}

const need = (holders: Holder[], more: { goal?: number; expected?: number } = {}) =>
  needOf({ record: { ...record, goal: more.goal ?? 3 }, holders, expected: more.expected ?? 0 })

t.test('what a chunk needs follows from where its replicas are', async t => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(name => holder(name)) as [Holder, Holder, Holder, Holder]
  t.same(need([a, b, c]), { kind: 'none' })
  t.same(need([a, b]), { kind: 'copy', copies: 2 })
  t.same(need([a, b, { ...c, version: 4 }]), { kind: 'copy', copies: 2 }, 'a stale one does not count')
  t.same(need([a, b, { ...c, standing: 'silent' }]), { kind: 'wait' })
  t.same(need([a, b, { ...c, standing: 'reporting' }]), { kind: 'wait' })
  t.same(need([{ ...a, version: 4 }]), { kind: 'lost' })
  t.same(need([]), { kind: 'lost' })
  t.same(need([a, b], { expected: 1 }), { kind: 'none' }, 'one that is being worked on comes back')
  t.same(need([a, b, { ...c, draining: true }]), { kind: 'move', from: 'c' })
  t.same(need([a, { ...c, draining: true }]), { kind: 'copy', copies: 2 }, 'first what is missing')
  t.same(need([a, b, c, { ...d, draining: true }]), { kind: 'surplus', victim: 'd', draining: true })
  t.same(need([a, b, c], { goal: 1 }).kind, 'surplus')
})

t.test('of too many the one in the most crowded rack goes, then the one on the fullest server', async t => {
  const inRack = (name: string, rack: string, freeBytes = 100) =>
    holder(name, { location: { dc: 'd', rack, host: name }, freeBytes })
  t.match(need([inRack('a', 'r1'), inRack('b', 'r2'), inRack('c', 'r2', 50), inRack('d', 'r3', 1)]), { victim: 'c' })
  t.match(need([inRack('a', 'r1'), inRack('b', 'r2', 7), inRack('c', 'r3'), inRack('d', 'r4')]), { victim: 'b' })
})

t.test('last copies go first, files that are there before those that were deleted', async t => {
  const order = [
    { copies: 1, deleted: false },
    { copies: 1, deleted: true },
    { copies: 2, deleted: false },
    { copies: 2, deleted: true },
  ].map(urgencyOf)
  t.same(order, [...order].sort())
  t.equal(new Set(order).size, 4)
})
