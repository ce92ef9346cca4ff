import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { MiB } from '../../src/base/units.js'
import { DiskWatch, reservedBytes, type Space, spaceOf } from '../../src/master/disk-watch.js'
import { MemoryJournal } from '../../src/master/journal/memory-journal.js'

class BreakingJournal extends MemoryJournal {
  failure: LeasefsError | undefined

  override get broken(): LeasefsError | undefined {
    return this.failure
  }

  override async sync(): Promise<void> {
    if (this.failure) throw this.failure
  }
}

function prepare(space: () => Space | undefined) {
  const journal = new BreakingJournal()
  const executor = { trouble: undefined as LeasefsError | undefined, mends: 0, mend: () => void executor.mends++ }
  let distrusted = 0
  const watch = new DiskWatch({
    ...{ executor, journal, log: silentLog, space: async () => space() },
    distrustState: () => void distrusted++,
    newestSnapshot: () => 5,
  })
  return { watch, journal, executor, distrusted: () => distrusted }
}

t.test('before the disk is full nothing new is made, until there is clearly room again', async t => {
  let freeBytes = 0
  const { watch } = prepare(() => ({ freeBytes, totalBytes: 2 ** 40 }))
  const cases: [free: number, low: boolean][] = [
    [reservedBytes, false],
    [reservedBytes - 1, true],
    [reservedBytes + 1, true],
    [2 * reservedBytes, false],
    [reservedBytes, false],
  ]
  for (const [free, low] of cases) {
    freeBytes = free
    await watch.step()
    t.equal(watch.noGrowth?.code, low ? 'NO_SPACE' : undefined, `${free} bytes free`)
    t.match(watch.status(), { code: low ? 'NO_SPACE' : '', onlyGrowth: low, freeBytes: free, snapshotIndex: 5 })
  }
})

t.test('a small disk has a small reserve, and one that says nothing has none', async t => {
  const small = prepare(() => ({ freeBytes: 3 * MiB, totalBytes: 32 * MiB }))
  await small.watch.step()
  t.equal(small.watch.noGrowth, undefined)
  const silent = prepare(() => undefined)
  await silent.watch.step()
  t.equal(silent.watch.noGrowth, undefined)
})

t.test('what was refused is tried again without a client, once there is room', async t => {
  let freeBytes = 0
  const { watch, executor } = prepare(() => ({ freeBytes, totalBytes: 2 ** 40 }))
  executor.trouble = new LeasefsError('NO_SPACE', 'full')
  await watch.step()
  t.equal(executor.mends, 0)
  t.match(watch.status(), { code: 'NO_SPACE', message: 'full', onlyGrowth: false, restart: false })
  freeBytes = 2 ** 30
  await watch.step()
  t.equal(executor.mends, 1)
})

t.test('a journal that cannot be synced makes the state suspect, and wants a restart', async t => {
  const { watch, journal, distrusted } = prepare(() => undefined)
  await watch.step()
  t.equal(distrusted(), 0)
  journal.failure = new LeasefsError('IO', 'bad disk')
  await watch.step()
  await watch.step()
  t.equal(distrusted(), 1)
  t.match(watch.status(), { code: 'IO', message: 'bad disk', restart: true })
})

t.test('the space of a disk is what the system says', async t => {
  const space = await spaceOf('.')
  t.ok(space && space.totalBytes >= space.freeBytes && space.totalBytes > 0)
  t.equal(await spaceOf('/does/not/exist'), undefined)
})
