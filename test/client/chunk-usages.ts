import t from 'tap'
import { ChunkUsages } from '../../src/client/chunk-usages.js'

const usage = (leaseId: number, serial: number, allocatedBytes = 0) => ({
  index: 0,
  handle: 5,
  leaseId,
  serial,
  allocatedBytes,
})

t.test('the newest word on each chunk is told, once', async t => {
  const usages = new ChunkUsages()
  usages.note(3, usage(1, 9, 100))
  usages.note(3, usage(1, 8, 50))
  usages.note(4, usage(1, 9, 1))
  usages.note(4, usage(2, 1, 2))
  usages.note(5, undefined)
  t.same(usages.take(), [
    { ...usage(1, 9, 100), index: 3 },
    { ...usage(2, 1, 2), index: 4 },
  ])
  t.same(usages.take(), [])
})

t.test('what could not be told is told later, unless there is a newer word', async t => {
  const usages = new ChunkUsages()
  usages.note(3, usage(1, 1, 100))
  usages.note(4, usage(1, 1, 100))
  const taken = usages.take()
  usages.note(3, usage(1, 2, 200))
  usages.giveBack(taken)
  t.same(usages.take(), [
    { ...usage(1, 2, 200), index: 3 },
    { ...usage(1, 1, 100), index: 4 },
  ])
})
