import t from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { GiB } from '../../../src/base/units.js'
import { purgedAtOnceMax } from '../../../src/master/ops/purge.js'
import { purgesPerStepMax, shortagePauseMs } from '../../../src/master/trash/limits.js'
import { Purger, type PurgerOptions } from '../../../src/master/trash/purger.js'
import { Namespace, root } from '../harness/namespace.js'
import { writeFile } from '../harness/trash.js'

const hour = 3_600_000

async function open(options: Partial<PurgerOptions> = {}) {
  const fs = await Namespace.open({ trash: true })
  const { state, executor, clock } = fs
  const defaults = { state, executor, clock, log: silentLog, retentionMs: hour, bytesMax: 0, shortage: () => 0 }
  const purger = new Purger({ ...defaults, ...options })
  const deleteFiles = async (count: number, bytes = 100) => {
    for (let i = 0; i < count; i++) {
      await writeFile(fs, root, 'f', bytes)
      await fs.unlink(root, 'f')
    }
  }
  return { fs, purger, deleteFiles, left: () => state.meta.current.trashCount }
}

t.test('a file is kept for its time, and no longer', async t => {
  const { fs, purger, deleteFiles, left } = await open()
  await deleteFiles(2)
  await fs.clock.advance(hour / 2)
  await deleteFiles(1)
  await purger.step()
  t.equal(left(), 3)
  await fs.clock.advance(hour / 2)
  await purger.step()
  t.equal(left(), 1)
  t.same(purger.status(), { files: 1, bytes: 100, retentionMs: hour, bytesMax: 0 })
  await fs.clock.advance(hour / 2)
  await purger.step()
  t.equal(left(), 0)
  const records = fs.journal.lastIndex
  await purger.step()
  t.equal(fs.journal.lastIndex, records, 'nothing to do is nothing in the journal')
})

t.test('many are purged with few records, and not all in one step', async t => {
  const { fs, purger, deleteFiles, left } = await open()
  const many = purgedAtOnceMax * 2 + 1
  await deleteFiles(many)
  await fs.clock.advance(hour)
  const records = fs.journal.lastIndex
  await purger.step()
  t.same([left(), fs.journal.lastIndex - records], [0, 3])
  t.ok(purgesPerStepMax > 3)
})

t.test('the oldest go when there are too many, or too many bytes', async t => {
  const few = await open({ filesMax: 2 })
  await few.deleteFiles(5)
  await few.purger.step()
  t.equal(few.left(), 2)
  const small = await open({ bytesMax: 250 })
  await small.deleteFiles(5)
  await small.purger.step()
  t.equal(small.left(), 2)
  await small.purger.step()
  t.equal(small.left(), 2)
})

t.test('chunkservers that are nearly full are given room, and time to say so', async t => {
  let lacking = 2 * GiB
  const { fs, purger, deleteFiles, left } = await open({ shortage: () => lacking })
  await deleteFiles(1, 10)
  await deleteFiles(4, 2 ** 26)
  await purger.step()
  t.equal(left(), 0, 'more than is needed there is not')
  await deleteFiles(5, 2 ** 26)
  lacking = 2 ** 26 * 3 * 2
  await purger.step()
  t.equal(left(), 5, 'what the first purge brought is not known yet')
  await fs.clock.advance(shortagePauseMs)
  await purger.step()
  t.equal(left(), 3, 'each has three replicas')
})

t.test('a journal that takes nothing is tried again', async t => {
  const { fs, purger, deleteFiles, left } = await open({ retentionMs: 0 })
  await deleteFiles(1)
  await fs.executor.close()
  await purger.step()
  t.equal(left(), 1)
})
