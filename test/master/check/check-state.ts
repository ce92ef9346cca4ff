import t from 'tap'
import { checkState, checkStepsOf, findingsOf } from '../../../src/master/check/check-state.js'
import { findingKinds } from '../../../src/master/check/finding.js'
import { damages, setRows, soundState } from '../harness/damage.js'

t.test('a state that only operations have changed is sound, and is looked at in small steps', async t => {
  const { fs } = await soundState()
  t.same(findingsOf(fs.store), [])
  const steps = [...checkState(fs.store)].length
  t.ok(steps > 20 && steps < 500, `${steps} steps`)
  t.ok(checkStepsOf(fs.store) > 10)
})

t.test('there is a damage for every kind of finding', async t => {
  t.same([...new Set(damages.map(({ kind }) => kind))].sort(), [...findingKinds].sort())
})

for (const { kind, name, rows, also = [], mended } of damages) {
  t.test(`${kind}: ${name}`, async t => {
    const sound = await soundState()
    setRows(sound.fs, rows(sound))
    const findings = findingsOf(sound.fs.store)
    const kinds = [...new Set(findings.map(finding => finding.kind))]
    t.same(kinds.sort(), [kind, ...also].sort(), findings.map(({ text }) => text).join('; '))
    const own = findings.filter(finding => finding.kind === kind)
    t.equal(
      own.every(({ mend }) => mend !== undefined),
      mended,
    )
  })
}
