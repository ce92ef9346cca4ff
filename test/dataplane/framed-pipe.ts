import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import type { BytePipe } from '../../src/dataplane/byte-network.js'
import { FramedPipe } from '../../src/dataplane/framed-pipe.js'
import { MemoryPipe } from '../../src/dataplane/memory-pipe.js'
import { encodeFrame, type Frame } from '../../src/wire/frames.js'
import { bytesOf, pushFrame } from './harness.js'

const ack = (number: number): Frame => ({ type: 'pushAck', number })

/** A framed pipe, what it delivers, and the bare other end. */
function pair(onFrame: (frame: Frame, pipe: FramedPipe) => void = () => {}) {
  const clock = new SimulatedClock()
  const [ours, theirs] = MemoryPipe.pair('ours', 'theirs', clock, { silent: false, bytesPerSecond: 1e12 })
  const seen: (string | number)[] = []
  let end: LeasefsError | undefined
  const user = {
    onFrame: (frame: Frame) => {
      seen.push('number' in frame ? frame.number : frame.type)
      onFrame(frame, framed)
    },
    onPayload: (bytes: Buffer, last: boolean) => seen.push(`${bytes.length}${last ? ' last' : ''}`),
    onDrain: () => {},
    onClose: (reason: LeasefsError) => {
      end = reason
    },
  }
  const framed = new FramedPipe(ours, user, silentLog)
  return { clock, framed, other: theirs as BytePipe, seen, end: () => end }
}

t.test('what is held back comes later, in order', async t => {
  const { clock, framed, other, seen } = pair((frame, pipe) => {
    if ('number' in frame && frame.number === 2) pipe.hold()
  })
  other.write([1, 2, 3].map(number => encodeFrame(ack(number))))
  other.write([encodeFrame(pushFrame(4, bytesOf(10))), bytesOf(10)])
  await clock.advance(1)
  t.same(seen, [1, 2])
  framed.hold()
  framed.release()
  t.same(seen, [1, 2], 'every hold needs its release')
  framed.release()
  await clock.advance(1)
  t.same(seen, [1, 2, 3, 4, '10 last'])
})

t.test('a hold reaches the peer', async t => {
  const { clock, framed, other, seen } = pair()
  framed.hold()
  other.write([encodeFrame(ack(1))])
  other.write([bytesOf(2_000_000)])
  await clock.advance(1)
  t.same(seen, [])
  t.ok(other.queuedBytes > 1_000_000)
})

t.test('a frame that its user does not want closes the pipe with the reason', async t => {
  const { clock, other, seen, end } = pair(() => {
    throw new LeasefsError('CORRUPT', 'not now')
  })
  other.write([encodeFrame(ack(1)), encodeFrame(ack(2))])
  await clock.advance(1)
  t.same(seen, [1])
  t.match(end(), { code: 'CORRUPT', message: 'not now' })
})

t.test('a bug of its user is thrown, not taken for an error of the peer', async t => {
  const { framed, other, end } = pair(() => {
    throw new RangeError('a bug')
  })
  framed.hold()
  other.write([encodeFrame(ack(1))])
  await new Promise(resolve => setImmediate(resolve))
  t.throws(() => framed.release(), { message: 'a bug' })
  t.equal(end(), undefined)
})
