import t from 'tap'
import { findingsOf } from '../../../src/master/check/check-state.js'
import { checkMend } from '../../../src/master/ops/mend.js'
import { replay } from '../../../src/master/replay.js'
import { MemoryStore } from '../../../src/master/state/memory-store.js'
import { State } from '../../../src/master/state/state.js'
import { damages, setRows, soundState } from '../harness/damage.js'
import { Namespace, root } from '../harness/namespace.js'

/** As fsck does it: mends, and looks again for what that has uncovered. */
async function mendAll(fs: Namespace): Promise<number> {
  for (let pass = 1; pass <= 5; pass++) {
    let done = 0
    for (const { mend } of findingsOf(fs.store)) {
      if (mend && (await fs.submit((state, context) => checkMend(state, mend, context))).kind === 'applied') done++
    }
    if (done === 0) return pass
  }
  return 6
}

for (const { kind, name, rows, mended } of damages.filter(each => each.mended)) {
  t.test(`${kind}: ${name} is mended`, async t => {
    const sound = await soundState()
    setRows(sound.fs, rows(sound))
    // A master that starts on this: what the other one has in memory is not damaged.
    const fs = await Namespace.open({ store: sound.fs.store, journal: sound.fs.journal })
    t.ok((await mendAll(fs)) <= 5)
    t.same(
      findingsOf(fs.store).map(({ text }) => text),
      [],
    )
    t.ok(mended)
  })
}

t.test('what is not safe to mend is left', async t => {
  for (const { rows } of damages.filter(each => !each.mended)) {
    const sound = await soundState()
    setRows(sound.fs, rows(sound))
    const fs = await Namespace.open({ store: sound.fs.store, journal: sound.fs.journal })
    await mendAll(fs)
    t.not(findingsOf(fs.store).length, 0)
  }
})

t.test('what has lost its name, and chunks that have lost their file, are in /lost+found afterwards', async t => {
  const sound = await soundState()
  const lost = damages.find(({ kind, name }) => kind === 'lost-inode' && name === 'a directory')
  const orphan = damages.find(({ kind, name }) => kind === 'lost-chunk' && name === 'alone')
  setRows(sound.fs, [...(lost?.rows(sound) ?? []), ...(orphan?.rows(sound) ?? [])])
  const fs = await Namespace.open({ store: sound.fs.store, journal: sound.fs.journal })
  await mendAll(fs)
  const home = fs.state.dentries.get(root, Buffer.from('lost+found'))
  t.same(fs.names(home).sort(), [`#${sound.dir}`, '#999'].sort())
  t.same(fs.names(sound.dir).sort(), ['again', 'file', 'sub'])
  t.match(fs.stat(999), { size: 4 * 64 * 2 ** 20, allocatedBytes: 10, nlink: 1 })
})

t.test('a mend that came too late changes nothing', async t => {
  const sound = await soundState()
  setRows(sound.fs, damages.find(({ kind }) => kind === 'dangling-entry')?.rows(sound) ?? [])
  const [finding] = findingsOf(sound.fs.store)
  const submit = () =>
    sound.fs.submit((state, context) => (finding?.mend ? checkMend(state, finding.mend, context) : (t.fail() as never)))
  t.equal((await submit()).kind, 'applied')
  t.equal((await submit()).kind, 'unchanged')
})

t.test('a replay mends as the first time', async t => {
  const fs = await Namespace.open({ store: new MemoryStore() })
  const mend = { kind: 'add-counts', counts: { trashBytes: 7 } } as const
  await fs.submit((state, context) => checkMend(state, mend, context))
  const again = new State(new MemoryStore())
  replay(again, fs.journal)
  t.same(again.meta.current, fs.state.meta.current)
})
