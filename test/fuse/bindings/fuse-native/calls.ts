import { AssertionError } from 'node:assert/strict'
import { constants } from 'node:os'
import t from 'tap'
import { LeasefsError } from '../../../../src/base/errors.js'
import { silentLog } from '../../../../src/base/log.js'
import { SimulatedClock } from '../../../../src/base/simulated-clock.js'
import type { Addon, RequestRecord } from '../../../../src/fuse/bindings/fuse-native/addon.js'
import { handlerOf, plain } from '../../../../src/fuse/bindings/fuse-native/calls.js'
import { Threads } from '../../../../src/fuse/bindings/fuse-native/threads.js'
import { UnderwayTable } from '../../../../src/fuse/underway.js'

const record = Buffer.alloc(1)
const underway = new UnderwayTable()
const context = { log: silentLog, threads: new Threads(() => true, silentLog), underway, clock: new SimulatedClock() }

/** Runs an rmdir and resolves with how often, and with what, it was answered. */
async function answersOf(run: () => Promise<unknown>): Promise<number[]> {
  const answers: number[] = []
  const addon = {
    fuse_native_signal_rmdir: (_record: RequestRecord, result: number) => {
      answers.push(result)
    },
  } as unknown as Addon
  const handler = handlerOf(addon, 'rmdir', plain<'rmdir'>(run), context) as (...args: unknown[]) => void
  handler(record, 0, '/d')
  await new Promise(resolve => setImmediate(resolve))
  return answers
}

t.test('each request is answered once, whatever happens', async t => {
  t.same(await answersOf(async () => 'anything'), [0])
  t.same(await answersOf(() => Promise.reject(new LeasefsError('NOT_EMPTY', 'x'))), [-constants.errno.ENOTEMPTY])
  t.same(await answersOf(() => Promise.reject(new Error('x'))), [-constants.errno.EIO])
  const throws = () => {
    throw new LeasefsError('NOT_FOUND', 'x')
  }
  t.same(await answersOf(throws), [-constants.errno.ENOENT], 'also when it throws')
})

t.test('a broken invariant is answered, and then ends the process', async t => {
  const uncaught: unknown[] = []
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', reason => uncaught.push(reason))
  t.teardown(() => {
    for (const other of others) process.on('uncaughtException', other)
  })
  const broken = new AssertionError({ message: 'x' })
  t.same(await answersOf(() => Promise.reject(broken)), [-constants.errno.EIO])
  await new Promise(resolve => setImmediate(resolve))
  t.same(uncaught, [broken])
})
