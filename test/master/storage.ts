import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { SeededRandom } from '../../src/base/random.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { MemoryJournal } from '../../src/master/journal/memory-journal.js'
import { MemoryStore } from '../../src/master/state/memory-store.js'
import { joinStorage, openStorage, type Storage } from '../../src/master/storage.js'
import { clusterId } from './harness/client.js'
import { Namespace, root } from './harness/namespace.js'

const clock = new SimulatedClock()

function open(directory: string): Promise<Storage> {
  return openStorage({ directory, clusterId, clock, random: new SeededRandom(1), log: silentLog })
}

t.test('a state that was lost is made again from the journal', async t => {
  const directory = t.testdir()
  const first = await open(directory)
  const fs = new Namespace({ journal: first.journal })
  await fs.submit(() => ({
    kind: 'change',
    effect: { $case: 'sessionStarted', value: { sessionId: 1, description: '' } },
  }))
  await first.close()
  await first.close()
  rmSync(join(directory, 'state'), { recursive: true })
  const second = await open(directory)
  t.equal(second.state.meta.current.appliedIndex, 1)
  t.same([first.recordsLost, second.recordsLost], [false, true], 'and records may have been lost with it')
  t.equal(second.state.sessions.list().length, 1)
  await second.close()
})

t.test('a state that is behind its journal is brought up to it', async t => {
  const directory = t.testdir({ a: {} })
  const first = await open(join(directory, 'a'))
  first.journal.append([])
  cpSync(join(directory, 'a', 'state'), join(directory, 'before'), { recursive: true })
  const fs = await Namespace.open({ journal: first.journal })
  await fs.make(root, 'a')
  await first.close()
  rmSync(join(directory, 'a', 'state'), { recursive: true })
  cpSync(join(directory, 'before'), join(directory, 'a', 'state'), { recursive: true })
  const second = await open(join(directory, 'a'))
  t.equal(second.state.meta.current.appliedIndex, fs.journal.lastIndex)
  t.equal(second.state.dentries.find(root, Buffer.from('a')), 2)
  await second.close()
})

t.test('a state that is ahead of its journal is refused', async t => {
  const fs = await Namespace.open()
  await t.rejects(
    joinStorage(fs.store, () => new MemoryJournal(), clock, silentLog),
    { code: 'CORRUPT' },
  )
})

t.test('what was opened is closed when the rest cannot be', async t => {
  let closed = 0
  class Counted extends MemoryStore {
    override async close(): Promise<void> {
      closed++
    }
  }
  const fail = () => {
    throw new LeasefsError('CORRUPT', 'no journal')
  }
  await t.rejects(joinStorage(new Counted(), fail, clock, silentLog), { code: 'CORRUPT' })
  t.equal(closed, 1)
})
