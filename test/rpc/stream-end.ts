// The bounds of a stream; the rest of what it does is in suites/control-network.ts.

import t from 'tap'
import type { LeasefsError } from '../../src/base/errors.js'
import { KiB, MiB } from '../../src/base/units.js'
import { messageOverhead, streamQueuedBytesMax } from '../../src/rpc/limits.js'
import { StreamEnd } from '../../src/rpc/stream-end.js'

/** A stream that goes nowhere. */
class DeadEnd extends StreamEnd<Buffer, Buffer> {
  readonly peer = 'nobody'
  readonly transmitted: Buffer[] = []
  finished: LeasefsError | 'cleanly' | undefined

  constructor() {
    super({ encode: message => message, decode: bytes => bytes })
  }

  /** The oldest message has left. */
  leave(): void {
    const bytes = this.transmitted.shift()
    if (bytes) this.sent(bytes.length)
  }

  protected transmit(bytes: Buffer): void {
    this.transmitted.push(bytes)
  }

  protected finish(reason: LeasefsError | undefined): void {
    this.finished = reason ?? 'cleanly'
  }
}

const message = Buffer.alloc(1 * MiB)

t.test('a peer that takes nothing ends the stream when too much waits for it', async t => {
  const stream = new DeadEnd()
  const countMax = Math.floor(streamQueuedBytesMax / (message.length + messageOverhead))
  for (let n = 0; n < countMax; n++) stream.send(message)
  t.notOk(stream.ended)
  stream.leave()
  stream.send(message)
  t.notOk(stream.ended, 'what has left does not count')
  stream.send(message)
  t.ok(stream.ended)
  t.match(stream.finished, { code: 'UNAVAILABLE' })
  t.equal(stream.transmitted.length, countMax)
})

t.test('many small messages are too much as well', async t => {
  const stream = new DeadEnd()
  const empty = Buffer.alloc(0)
  let count = 0
  while (!stream.ended) {
    stream.send(empty)
    count++
  }
  t.equal(count, streamQueuedBytesMax / messageOverhead + 1)
})

t.test('messages that nobody takes end the stream when too many wait', async t => {
  const stream = new DeadEnd()
  while (!stream.ended) stream.received(Buffer.alloc(100 * KiB))
  t.match(stream.finished, { code: 'UNAVAILABLE' })
  const got: Buffer[] = []
  stream.onMessage(bytes => got.push(bytes))
  await new Promise(resolve => setImmediate(resolve))
  t.same(got, [])
})

t.test('the end comes after the messages that were early', async t => {
  const stream = new DeadEnd()
  const events: unknown[] = []
  stream.received(Buffer.from('1'))
  stream.received(Buffer.from('2'))
  stream.close()
  t.same(stream.finished, 'cleanly')

  const other = new DeadEnd()
  other.received(Buffer.from('1'))
  other.onClose(() => events.push('end'))
  other.finishLocally(Object.assign(new Error('x')) as LeasefsError)
  other.onMessage(bytes => events.push(String(bytes)))
  await new Promise(resolve => setImmediate(resolve))
  t.same(events, ['1', 'end'])
})
