import t from 'tap'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { pieceSizeMax, pipeQueuedBytesMax } from '../../src/dataplane/limits.js'
import { MemoryPipe } from '../../src/dataplane/memory-pipe.js'

t.test('bytes come in pieces, spread over the time the wire needs', async t => {
  const clock = new SimulatedClock()
  const [ours, theirs] = MemoryPipe.pair('a', 'b', clock, { silent: false, bytesPerSecond: pieceSizeMax * 10 })
  const lengths: number[] = []
  const times: number[] = []
  theirs.onData(bytes => {
    lengths.push(bytes.length)
    times.push(clock.now())
  })
  ours.write([Buffer.alloc(2.5 * pieceSizeMax)])
  await clock.advance(1000)
  t.same(lengths, [pieceSizeMax, pieceSizeMax, pieceSizeMax / 2])
  t.same(times, [0, 100, 200])
})

t.test('a full pipe says so, and once when it is empty again', async t => {
  const clock = new SimulatedClock()
  const [ours, theirs] = MemoryPipe.pair('a', 'b', clock, { silent: false, bytesPerSecond: 1e12 })
  let drained = 0
  ours.onDrain(() => drained++)
  t.equal(ours.write([Buffer.alloc(pipeQueuedBytesMax - 1)]), true)
  t.equal(ours.write([Buffer.alloc(1)]), false)
  t.equal(ours.queuedBytes, pipeQueuedBytesMax)
  await clock.advance(10)
  t.equal(drained, 0)
  theirs.onData(() => {})
  await clock.advance(10)
  t.equal(drained, 1)
  t.equal(ours.queuedBytes, 0)
})
