import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import {
  pushHoldMinMs,
  pushHoldMs,
  pushOverheadBytes,
  pushPiecesMax,
  pushRoomWaitMs,
} from '../../src/chunkserver/limits.js'
import { PushBuffer } from '../../src/chunkserver/push-buffer.js'
import type { PushReceiver } from '../../src/dataplane/data-plane.js'
import type { DataId, SessionId } from '../../src/wire/ids.js'

const id = (counter: number): DataId => ({ client: 1 as SessionId, counter })

function fill(buffer: PushBuffer, counter: number, length: number): void {
  const receiver = buffer.beginPush(id(counter), length) as PushReceiver
  receiver.write(Buffer.alloc(length, counter))
  receiver.complete()
}

t.test('data is here when it is complete, in the pieces in which it came', async t => {
  const buffer = new PushBuffer(new SimulatedClock(), 100, 0)
  const receiver = (await buffer.beginPush(id(1), 5)) as PushReceiver
  const pieces = ['ab', 'cde'].map(text => Buffer.from(new TextEncoder().encode(text).buffer))
  for (const piece of pieces) receiver.write(piece)
  t.equal(buffer.get(id(1)), undefined)
  t.equal(buffer.usedBytes, 5, 'room is taken from the beginning')
  receiver.complete()
  t.same(buffer.get(id(1))?.buffers, pieces)
  t.equal(buffer.beginPush(id(1), 5), undefined, 'a second push of it is not kept')
})

t.test('bytes that come one by one are joined', async t => {
  const buffer = new PushBuffer(new SimulatedClock())
  const receiver = buffer.beginPush(id(1), 10_000) as PushReceiver
  for (let count = 0; count < 10_000; count++) receiver.write(Buffer.from([count & 255]))
  receiver.complete()
  const { buffers = [] } = buffer.get(id(1)) ?? {}
  t.ok(buffers.length <= pushPiecesMax + 1)
  t.equal(Buffer.concat(buffers)[9_999], 9_999 & 255)
})

t.test('what is abandoned, too short or too long is not kept and takes no room', async t => {
  const buffer = new PushBuffer(new SimulatedClock(), 100, 0)
  const abandoned = buffer.beginPush(id(1), 50) as PushReceiver
  abandoned.write(Buffer.alloc(20))
  abandoned.abandon(new LeasefsError('UNAVAILABLE', 'gone'))
  const short = buffer.beginPush(id(2), 50) as PushReceiver
  short.write(Buffer.alloc(20))
  short.complete()
  const long = buffer.beginPush(id(3), 50) as PushReceiver
  for (let count = 0; count < 5; count++) long.write(Buffer.alloc(20))
  long.complete()
  t.same(
    [1, 2, 3].map(counter => buffer.get(id(counter))),
    [undefined, undefined, undefined],
  )
  t.equal(buffer.usedBytes, 0)
})

t.test('the same push twice at once is kept once', async t => {
  const buffer = new PushBuffer(new SimulatedClock(), 100, 0)
  const receivers = [buffer.beginPush(id(1), 10), buffer.beginPush(id(1), 10)] as PushReceiver[]
  for (const receiver of receivers) receiver.write(Buffer.alloc(10, 1))
  for (const receiver of receivers) receiver.complete()
  t.equal(buffer.usedBytes, 10)
  buffer.discard(id(1))
  t.equal(buffer.usedBytes, 0)
})

t.test('a push waits for room, and is sent away when none comes', async t => {
  const clock = new SimulatedClock()
  const buffer = new PushBuffer(clock, 100, 0)
  fill(buffer, 1, 60)
  const waiting = Promise.resolve(buffer.beginPush(id(2), 60))
  const behind = Promise.resolve(buffer.beginPush(id(3), 10))
  const late = t.rejects(Promise.resolve(buffer.beginPush(id(4), 100)), { code: 'UNAVAILABLE' })
  await clock.advance(pushRoomWaitMs / 2)
  t.equal(buffer.usedBytes, 60, 'nobody overtakes')
  buffer.discard(id(1))
  t.ok(await waiting)
  t.ok(await behind)
  await clock.advance(pushRoomWaitMs)
  await late
  t.equal(buffer.usedBytes, 70)
  t.throws(() => buffer.beginPush(id(5), 101), { code: 'INVALID_ARGUMENT' })
})

t.test('what nobody commits is dropped after a while, the oldest first when room is needed', async t => {
  const clock = new SimulatedClock()
  const buffer = new PushBuffer(clock, 100, 0)
  fill(buffer, 1, 40)
  fill(buffer, 2, 40)
  await clock.advance(pushHoldMinMs + 1)
  fill(buffer, 3, 20)
  fill(buffer, 4, 30)
  t.equal(buffer.get(id(1)), undefined)
  t.ok(buffer.get(id(2)), 'no more than is needed')
  await clock.advance(pushHoldMs + 2 * pushHoldMinMs)
  t.equal(buffer.usedBytes, 0)
})

t.test('pinned data stays until everyone has unpinned it', async t => {
  const clock = new SimulatedClock()
  const buffer = new PushBuffer(clock, 100, 0)
  t.equal(buffer.pin(id(1)), false)
  fill(buffer, 1, 100)
  t.equal(buffer.pin(id(1)), true)
  t.equal(buffer.pin(id(1)), true)
  await clock.advance(2 * pushHoldMs)
  buffer.discard(id(1))
  buffer.unpin(id(1))
  t.ok(buffer.get(id(1)))
  buffer.unpin(id(1))
  t.equal(buffer.get(id(1)), undefined)
})

t.test('who waits for data is told when it comes, and when it has not', async t => {
  const clock = new SimulatedClock()
  const buffer = new PushBuffer(clock, 100, 0)
  const both = Promise.all([buffer.arrival(id(1), 1000), buffer.arrival(id(1), 2000)])
  const never = buffer.arrival(id(2), 1000)
  await clock.advance(500)
  fill(buffer, 1, 10)
  t.same(await both, [true, true])
  await clock.advance(500)
  t.equal(await never, false)
  t.equal(await buffer.arrival(id(1), 0), true)
})

t.test('pushes of a few bytes cost what they take', async t => {
  const buffer = new PushBuffer(new SimulatedClock(), 10 * pushOverheadBytes)
  for (let counter = 1; counter <= 9; counter++) fill(buffer, counter, 1)
  t.equal(buffer.usedBytes, 9 * (pushOverheadBytes + 1))
  const tenth = Promise.resolve(buffer.beginPush(id(10), 1))
  buffer.discard(id(1))
  t.ok(await tenth)
})

t.test('a small push does not keep what came with it', async t => {
  const buffer = new PushBuffer(new SimulatedClock())
  const came = Buffer.alloc(65_536, 7)
  const receiver = buffer.beginPush(id(1), 10) as PushReceiver
  receiver.write(came.subarray(100, 106))
  receiver.write(came.subarray(106, 110))
  receiver.complete()
  const { buffers = [] } = buffer.get(id(1)) ?? {}
  t.same(buffers, [Buffer.alloc(10, 7)])
  t.equal(buffers[0]?.buffer.byteLength, 10)
})

t.test('a push that comes slowly gives way when room is needed', async t => {
  const clock = new SimulatedClock()
  const buffer = new PushBuffer(clock, 100, 0)
  const slow = buffer.beginPush(id(1), 60) as PushReceiver
  slow.write(Buffer.alloc(59))
  await clock.advance(pushHoldMinMs / 2)
  await t.rejects(Promise.all([buffer.beginPush(id(2), 60), clock.advance(pushRoomWaitMs)]), 'it has some time')
  await clock.advance(pushHoldMinMs)
  fill(buffer, 3, 60)
  t.equal(buffer.usedBytes, 60)
  slow.write(Buffer.alloc(1))
  t.throws(() => slow.complete(), { code: 'UNAVAILABLE' })
  slow.abandon(new LeasefsError('UNAVAILABLE', 'too slow'))
  t.equal(buffer.get(id(1)), undefined)
  t.equal(buffer.usedBytes, 60)
})
