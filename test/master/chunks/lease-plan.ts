import t from 'tap'
import { noUsage } from '../../../src/master/chunk-table.js'
import { isGood, isMinority, type Member, planLease } from '../../../src/master/chunks/lease-plan.js'
import type { Standing } from '../../../src/master/chunks/servers.js'
import type { ChunkHandle, Ino, ServerId } from '../../../src/wire/ids.js'

const record = (version: number, settledVersion: number, replicaCount: number) => ({
  handle: 1 as ChunkHandle,
  ino: 2 as Ino,
  index: 0,
  goal: 3,
  version,
  settledVersion,
  replicaCount,
  ...noUsage,
})

/** "a5" serves version 5; "a5?" is silent, "a5~" reporting. */
function member(text: string): Member {
  const [, server = '', version, mark = ''] = /^(\w)(\d+)(.?)$/.exec(text) ?? []
  const standing: Record<string, Standing> = { '': 'serving', '?': 'silent', '~': 'reporting', '!': 'gone' }
  return { server: server as ServerId, version: Number(version), standing: standing[mark] ?? 'gone' }
}

type Row = [name: string, chunk: [number, number, number], members: string, plan: string, more?: Partial<typeof none>]
const none = { excluded: [] as string[], incomplete: false, doubtful: false, minReplicas: 1 }

const rows: Row[] = [
  ['all there: granted among them', [5, 5, 3], 'a5 b5 c5', 'grant a b c'],
  ['all there, but too few to take writes', [5, 5, 1], 'a5', 'few', { minReplicas: 2 }],
  ['as many as the goal are never too few', [5, 5, 3], 'a5 b5 c5', 'grant a b c', { minReplicas: 9 }],
  ['all there, while others report: granted', [5, 5, 2], 'a5 b5', 'grant a b', { incomplete: true }],
  ['a stale one beside them does not count', [5, 5, 2], 'a5 b5 c4', 'grant a b'],
  ['one of a version that never was does not count', [5, 5, 2], 'a5 b5 c6', 'grant a b'],
  ['one is gone: raised for the rest', [5, 5, 3], 'a5 b5', 'raise a b'],
  ['stale ones never join a raise', [5, 5, 3], 'a5 b4 c4', 'raise a'],
  ['one is silent: wait', [5, 5, 3], 'a5 b5 c5?', 'wait'],
  ['one is reporting: wait', [5, 5, 3], 'a5 b5 c5~', 'wait'],
  ['a stale one is silent: no reason to wait', [5, 5, 3], 'a5 b5 c4?', 'raise a b'],
  ['the master has just started: wait', [5, 5, 3], 'a5 b5', 'wait', { incomplete: true }],
  ['nothing is there: none', [5, 5, 3], '', 'none'],
  ['only stale ones are there: none', [5, 5, 3], 'a4 b3', 'none'],
  ['nothing is there yet: wait', [5, 5, 3], '', 'wait', { incomplete: true }],
  ['an excluded one is as good as gone', [5, 5, 3], 'a5 b5 c5', 'raise a b', { excluded: ['c'] }],
  ['all are excluded: none', [5, 5, 1], 'a5', 'none', { excluded: ['a'] }],
  ['all there, and in doubt: raised', [5, 5, 3], 'a5 b5 c5', 'raise a b c', { doubtful: true }],
  ['in doubt, and one may come back: wait', [5, 5, 3], 'a5 b5 c5?', 'wait', { doubtful: true }],
  ['a raise cut short before anyone was told', [6, 5, 3], 'a5 b5 c5', 'raise a b c'],
  ['a raise cut short half-way', [6, 5, 3], 'a6 b5 c5', 'raise a b c'],
  ['a raise that all took but nobody used', [6, 5, 2], 'a6 b6', 'raise a b'],
  ['two raises cut short', [7, 5, 2], 'a7 b5 c6', 'raise a b c'],
  ['a replica from before the last used version is stale', [6, 6, 2], 'a6 b5', 'raise a'],
]

for (const [name, [version, settled, count], members, expected, more] of rows) {
  t.test(name, async t => {
    const { excluded, ...views } = { ...none, ...more }
    const plan = planLease({
      record: record(version, settled, count),
      members: members.split(' ').filter(Boolean).map(member),
      excluded: new Set(excluded as ServerId[]),
      ...views,
    })
    const servers = plan.kind === 'raise' ? plan.members.map(({ server }) => server) : []
    t.equal([plan.kind, ...(plan.kind === 'grant' ? plan.servers : servers)].join(' '), expected)
  })
}

t.test('fewer than half are a minority', async t => {
  const few = (count: number) => Array.from({ length: count }, () => member('a5'))
  t.same(
    [1, 2, 3].map(count => isMinority(record(5, 5, 3), few(count))),
    [true, false, false],
  )
  t.notOk(isMinority(record(5, 5, 2), few(1)))
})

t.test('good replicas hold everything acknowledged', async t => {
  t.same(
    [4, 5, 6, 7, 8].map(version => isGood(record(7, 5, 3), version)),
    [false, true, true, true, false],
  )
})
