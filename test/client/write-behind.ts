import t from 'tap'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { writeBehindMs } from '../../src/client/limits.js'
import { type DirtyFile, WriteBehind } from '../../src/client/write-behind.js'
import { stateOf } from './harness/master.js'

class ScriptedFile implements DirtyFile {
  dirtyBytes = 0
  waitingSince: number | undefined
  isPushing = false
  pushes = 0

  pushBehind(): void {
    this.pushes++
    this.waitingSince = undefined
    this.isPushing = true
  }
}

function make() {
  const clock = new SimulatedClock()
  const behind = new WriteBehind(clock, 100)
  const dirty = (file: ScriptedFile, bytes: number) => {
    const more = bytes - file.dirtyBytes
    file.dirtyBytes = bytes
    behind.changed(file, more)
  }
  return { clock, behind, dirty }
}

t.test('writers wait while too much is dirty', async t => {
  const { behind, dirty } = make()
  const file = new ScriptedFile()
  dirty(file, 99)
  t.equal(await stateOf(behind.room()), 'resolved')
  dirty(file, 100)
  const room = behind.room()
  t.equal(await stateOf(room), 'pending')
  t.equal(file.pushes, 1, 'and it is pushed at once')
  dirty(file, 40)
  t.equal(await stateOf(room), 'resolved')
  t.equal(behind.dirtyBytes, 40)
})

t.test('the bound is over all files', async t => {
  const { behind, dirty } = make()
  const [one, two] = [new ScriptedFile(), new ScriptedFile()]
  dirty(one, 60)
  dirty(two, 60)
  const room = behind.room()
  t.equal(await stateOf(room), 'pending')
  dirty(one, 0)
  t.equal(await stateOf(room), 'resolved')
})

t.test('while something is on its way, what is still being filled is left alone', async t => {
  const { behind, dirty } = make()
  const file = new ScriptedFile()
  file.isPushing = true
  dirty(file, 100)
  void behind.room()
  t.equal(file.pushes, 0)
  file.isPushing = false
  dirty(file, 100) // Nothing came of it: the next to look pushes.
  void behind.room()
  t.equal(file.pushes, 1)
})

t.test('what has waited long enough is pushed though nobody asks', async t => {
  const { clock, dirty } = make()
  const [old, young] = [new ScriptedFile(), new ScriptedFile()]
  old.waitingSince = clock.now()
  dirty(old, 10)
  await clock.advance(writeBehindMs * 0.75)
  young.waitingSince = clock.now()
  dirty(young, 10)
  await clock.advance(writeBehindMs * 0.5)
  t.equal(old.pushes, 1)
  t.equal(young.pushes, 0)
  await clock.advance(writeBehindMs)
  t.equal(young.pushes, 1)
})

t.test('after the end no timer runs', async t => {
  const { clock, behind, dirty } = make()
  const file = new ScriptedFile()
  file.waitingSince = 0
  dirty(file, 10)
  behind.close()
  await clock.advance(10 * writeBehindMs)
  t.equal(file.pushes, 0)
})
