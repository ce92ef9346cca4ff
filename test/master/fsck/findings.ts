import t from 'tap'
import { Findings } from '../../../src/master/fsck/findings.js'
import { findingsMax } from '../../../src/master/fsck/limits.js'
import { FsckOutcome } from '../../../src/wire/gen/admin.js'

t.test('findings are counted by kind and by what became of them', async t => {
  const findings = new Findings()
  findings.add({ kind: 'below-goal', text: 'one', ino: 7, handle: 1, repair: 'copy it' })
  findings.add({ kind: 'stale-replica', text: 'two', handle: 1 })
  findings.add({ kind: 'wrong-links', text: 'three', ino: 8 })
  t.equal(findings.open('below-goal').length, 1)
  findings.repairedOne('one')
  t.same([findings.left, findings.repaired, findings.notices], [1, 1, 1])
  t.same(findings.open('below-goal'), [])
  t.same(findings.counts, [
    { kind: 'wrong-links', count: 1 },
    { kind: 'below-goal', count: 1 },
    { kind: 'stale-replica', count: 1 },
  ])
  const [message, notice] = findings.messages(new Map([[7, Buffer.from('/a')]]))
  t.match(message, { path: Buffer.from('/a'), outcome: FsckOutcome.FSCK_REPAIRED, repair: 'copy it', ino: 7 })
  t.match(notice, { outcome: FsckOutcome.FSCK_NOTICE, ino: 0, serverId: '' })
})

t.test('beyond a limit they are only counted', async t => {
  const findings = new Findings()
  for (let n = 0; n < findingsMax + 5; n++) findings.add({ kind: 'no-replica', text: 'gone', ino: n + 1 })
  findings.add({ kind: 'stale-replica', text: 'old' })
  t.equal(findings.messages(new Map()).length, findingsMax)
  t.same([findings.left, findings.notices, findings.inos.size], [findingsMax + 5, 1, findingsMax])
})
