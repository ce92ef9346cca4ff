// The pulling; what is pulled is in frames.ts.

import t from 'tap'
import { FrameDecoder } from '../../src/wire/frame-decoder.js'
import { encodeFrame } from '../../src/wire/frames.js'

const reply = encodeFrame({ type: 'readReply', number: 1, length: 6, crc32: 0 })

t.test('what is not pulled stays, in order', async t => {
  const decoder = new FrameDecoder()
  decoder.append(Buffer.concat([reply, Buffer.from('abc')]))
  decoder.append(Buffer.alloc(0))
  decoder.append(Buffer.concat([Buffer.from('def'), reply]))
  t.match(decoder.next(), { kind: 'frame', frame: { type: 'readReply', number: 1 } })
  t.equal(decoder.length, 6 + reply.length)
  t.match(decoder.next(), { kind: 'payload', bytes: Buffer.from('abc'), last: false })
  t.match(decoder.next(), { kind: 'payload', bytes: Buffer.from('def'), last: true })
  t.notOk(decoder.betweenFrames)
  t.match(decoder.next(), { kind: 'frame' })
  t.equal(decoder.next(), undefined)
  t.notOk(decoder.betweenFrames, 'a payload is owed')
})

t.test('a frame without a payload is followed by the next', async t => {
  const decoder = new FrameDecoder()
  decoder.append(Buffer.concat([1, 2].map(number => encodeFrame({ type: 'pushAck', number }))))
  t.match(decoder.next(), { frame: { number: 1 } })
  t.match(decoder.next(), { frame: { number: 2 } })
  t.ok(decoder.betweenFrames)
})
