import t from 'tap'
import { MiB } from '../../src/base/units.js'
import { BatchQueue, type QueuedBatch } from '../../src/client/batch-queue.js'
import { batchesInFlightMax } from '../../src/client/limits.js'

const extent = (start: number, length = MiB) => ({ start, length, buffer: Buffer.alloc(0) })

function make() {
  const started: QueuedBatch[] = []
  return { started, queue: new BatchQueue(batch => started.push(batch)) }
}

t.test('batches start in order, several at once', async t => {
  const { started, queue } = make()
  for (let i = 0; i < batchesInFlightMax + 2; i++) queue.add([extent(i * MiB)])
  t.same(
    started.map(({ blocks }) => blocks[0]),
    Array.from({ length: batchesInFlightMax }, (_, i) => i),
  )
  queue.end(started[3] as QueuedBatch)
  t.same(started.at(-1)?.blocks, [batchesInFlightMax])
})

t.test('a batch waits for one with a common block, and all behind it wait with it', async t => {
  const { started, queue } = make()
  queue.add([extent(0, 10)])
  queue.add([extent(5, 10)])
  queue.add([extent(MiB)])
  t.equal(started.length, 1)
  queue.end(started[0] as QueuedBatch)
  t.equal(started.length, 3)
})

t.test('done() waits for what was added before it', async t => {
  const { started, queue } = make()
  await queue.done()
  t.ok(queue.isEmpty)
  queue.add([extent(0, 10)])
  let done = false
  const waiting = queue.done().then(() => {
    done = true
  })
  queue.add([extent(MiB)])
  t.notOk(queue.isEmpty)
  await new Promise(setImmediate)
  t.notOk(done)
  queue.end(started[0] as QueuedBatch)
  await waiting
  t.ok(queue.isRunning)
})
