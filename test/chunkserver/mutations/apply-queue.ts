import t from 'tap'
import { LeasefsError } from '../../../src/base/errors.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { applyDataWaitMs } from '../../../src/chunkserver/limits.js'
import { AppliedMutations } from '../../../src/chunkserver/mutations/applied-mutations.js'
import { ApplyQueue } from '../../../src/chunkserver/mutations/apply-queue.js'
import { type CheckedMutation, checkCommit } from '../../../src/chunkserver/mutations/checked.js'
import { PushBuffer } from '../../../src/chunkserver/push-buffer.js'
import { MemoryStore } from '../../../src/chunkserver/store/memory-store.js'
import type { PushReceiver } from '../../../src/dataplane/data-plane.js'
import type { ChunkHandle, LeaseId, SessionId } from '../../../src/wire/ids.js'

const handle = 1 as ChunkHandle
const leaseId = 1 as LeaseId
const over = new LeasefsError('STALE_VERSION', 'over')
const id = (counter: number) => ({ client: 1 as SessionId, counter })

async function queueing(after: Promise<void> = Promise.resolve()) {
  const clock = new SimulatedClock()
  const store = new MemoryStore()
  await store.create(handle, 1)
  const data = new PushBuffer(clock)
  const failures: string[] = []
  const failed = (reason: LeasefsError) => failures.push(reason.code)
  const applied = new AppliedMutations()
  const queue = new ApplyQueue({ handle, store, data, clock, trace: undefined, applied, after, failed })
  const push = (counter: number, text: string) => {
    const receiver = data.beginPush(id(counter), text.length) as PushReceiver
    receiver.write(Buffer.from(text))
    receiver.complete()
  }
  const apply = async (firstSerial: number, ...mutations: CheckedMutation[]) =>
    (await queue.push({ leaseId, firstSerial, mutations }))?.code ?? 'OK'
  const text = async () => Buffer.concat((await store.read(handle, 0, 100)).buffers).toString()
  return { clock, data, queue, failures, push, apply, text, applied }
}

function write(counter: number, offset: number, length: number): CheckedMutation {
  const wire = { id: id(counter), kind: { $case: 'write' as const, value: { offset, length } } }
  return checkCommit({ number: 0, handle, version: 1, mutations: [wire] }).mutations[0] as CheckedMutation
}

t.test('what is queued is applied in order, and its data is gone from the buffer', async t => {
  const { data, queue, push, apply, text } = await queueing()
  push(1, 'aaaa')
  push(2, 'bb')
  t.same(await Promise.all([apply(1, write(1, 0, 4)), apply(2, write(2, 1, 2))]), ['OK', 'OK'])
  t.equal(await text(), 'abba')
  t.equal(data.usedBytes, 0)
  await queue.idle()
  t.ok(queue.isIdle)
})

t.test('nothing begins before what was there before has ended', async t => {
  let end = () => {}
  const { clock, push, apply, text } = await queueing(
    new Promise(resolve => {
      end = resolve
    }),
  )
  push(1, 'a')
  const applied = apply(1, write(1, 0, 1))
  await clock.advance(1)
  t.equal(await text(), '')
  end()
  t.equal(await applied, 'OK')
})

t.test('data that comes late is waited for, and everything behind it waits', async t => {
  const { clock, push, apply, text } = await queueing()
  push(2, 'b')
  const both = Promise.all([apply(1, write(1, 0, 1)), apply(2, write(2, 0, 1))])
  await clock.advance(applyDataWaitMs - 1)
  t.equal(await text(), '')
  push(1, 'a')
  t.same(await both, ['OK', 'OK'])
  t.equal(await text(), 'b')
})

t.test('a failure is told once, first to the owner, and ends the queue', async t => {
  const { clock, data, failures, push, apply } = await queueing()
  push(2, 'b')
  const all = Promise.all([apply(1, write(1, 0, 1)), apply(2, write(2, 0, 1))])
  all.then(() => failures.push('answered'))
  await clock.advance(applyDataWaitMs)
  t.same(await all, ['DATA_UNKNOWN', 'DATA_UNKNOWN'])
  t.same(failures, ['DATA_UNKNOWN', 'answered'])
  t.equal(await apply(3, write(2, 0, 1)), 'DATA_UNKNOWN')
  t.equal(data.usedBytes, 0, 'pins are given back')
})

t.test('data of the wrong length is a failure', async t => {
  const { failures, push, apply } = await queueing()
  push(1, 'long')
  t.equal(await apply(1, write(1, 0, 3)), 'INVALID_ARGUMENT')
  t.same(failures, ['INVALID_ARGUMENT'])
})

t.test('a stopped queue gives up what it waits for, and that is no failure', async t => {
  const { clock, queue, failures, push, apply, text } = await queueing()
  push(2, 'b')
  const both = Promise.all([apply(1, write(1, 0, 1)), apply(2, write(2, 0, 1))])
  await clock.advance(1)
  await queue.stop(over)
  t.same(await both, ['STALE_VERSION', 'STALE_VERSION'])
  t.same(failures, [])
  t.equal(await text(), '')
})
