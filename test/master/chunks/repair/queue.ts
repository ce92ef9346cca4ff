import t from 'tap'
import { queuedMax } from '../../../../src/master/chunks/repair/limits.js'
import { RepairQueue } from '../../../../src/master/chunks/repair/queue.js'
import type { ChunkHandle } from '../../../../src/wire/ids.js'

const chunk = (n: number) => n as ChunkHandle

t.test('the most urgent first, and in the order in which they were found', async t => {
  let now = 10
  const queue = new RepairQueue(() => now)
  for (const [handle, urgency] of [
    [1, 2],
    [2, 0],
    [3, 2],
    [4, 3],
  ] as const)
    queue.put(chunk(handle), urgency)
  t.same(queue.first(10, 3), [2, 1, 3, 4])
  t.same(queue.first(2, 3), [2, 1])
  t.same(queue.first(10, 0), [2])
  queue.postpone(chunk(1))
  t.same(queue.first(10, 2), [2, 3, 1])
  now = 25
  queue.put(chunk(4), 0)
  t.same(queue.first(10, 3), [2, 4, 3, 1])
  t.equal(queue.notedFor(chunk(4)), 15, 'since it was found, whatever its class')
  queue.delete(chunk(2))
  t.equal(queue.size, 3)
  t.equal(queue.notedFor(chunk(2)), 0)
  queue.postpone(chunk(2))
  t.equal(queue.size, 3)
})

t.test('a full queue takes what is more urgent only', async t => {
  const queue = new RepairQueue(() => 0)
  for (let handle = 1; handle <= queuedMax; handle++) queue.put(chunk(handle), 2)
  queue.put(chunk(queuedMax + 1), 2)
  queue.put(chunk(queuedMax + 2), 0)
  t.equal(queue.size, queuedMax)
  t.same(queue.first(2, 3), [queuedMax + 2, 2])
})
