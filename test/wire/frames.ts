import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { SeededRandom } from '../../src/base/random.js'
import { chunkSize, goalMax, mutationSizeMax } from '../../src/constants.js'
import { FrameDecoder } from '../../src/wire/frame-decoder.js'
import { decodePrefix, encodeFrame, type Frame, frameMessageLengthMax, prefixLength } from '../../src/wire/frames.js'
import type { ChunkHandle, SessionId } from '../../src/wire/ids.js'

const longHost = { host: 'h'.repeat(249), port: 65_535 }
const id = { client: (2 ** 53 - 1) as SessionId, counter: 1 }
const chain = Array.from({ length: goalMax - 1 }, () => longHost)
const handle = (2 ** 53 - 1) as ChunkHandle

const frames: Frame[] = [
  { type: 'hello', clusterId: 'c'.repeat(255), self: 'client:7' },
  { type: 'hello', clusterId: '', self: '' },
  { type: 'push', number: 2 ** 32 - 1, id, length: mutationSizeMax, crc32: 2 ** 32 - 1, chain },
  { type: 'push', number: 1, id, length: 1, crc32: 0, chain: [{ host: '::1', port: 7400 }] },
  { type: 'pushAck', number: 1 },
  { type: 'pushAck', number: 1, failure: { position: goalMax - 1, code: 'CORRUPT', message: 'naïve – message' } },
  { type: 'read', number: 3, handle, version: 2 ** 53 - 1, offset: chunkSize - 1, length: 1 },
  { type: 'read', number: 3, handle, version: 1, offset: 0, length: mutationSizeMax },
  { type: 'readReply', number: 3, length: mutationSizeMax, crc32: 1 },
  { type: 'readReply', number: 3, length: 0, crc32: 0, failure: { code: 'STALE_VERSION', message: '' } },
  { type: 'goodbye', failure: { code: 'WRONG_CLUSTER', message: 'x'.repeat(frameMessageLengthMax) } },
]

/** Frames with their payloads, and the payload bytes, all in one. */
function encodeAll(): { bytes: Buffer; payload: Buffer } {
  const payload = Buffer.concat(frames.map((frame, index) => payloadOf(frame, index)))
  return {
    bytes: Buffer.concat(frames.flatMap((frame, index) => [encodeFrame(frame), payloadOf(frame, index)])),
    payload,
  }
}

function payloadOf(frame: Frame, fill: number): Buffer {
  return frame.type === 'push' || frame.type === 'readReply' ? Buffer.alloc(frame.length, fill) : Buffer.alloc(0)
}

/** What a decoder says of bytes that come in pieces of the given lengths, over and over. */
function decode(bytes: Buffer, lengths: readonly number[]): { frames: Frame[]; payload: Buffer; between: boolean } {
  const decoder = new FrameDecoder()
  const decoded: Frame[] = []
  const payload: Buffer[] = []
  for (let start = 0, turn = 0; start < bytes.length; turn++) {
    const end = start + (lengths[turn % lengths.length] ?? 1)
    decoder.append(bytes.subarray(start, end))
    start = end
    for (let piece = decoder.next(); piece; piece = decoder.next()) {
      if (piece.kind === 'frame') decoded.push(piece.frame)
      else payload.push(piece.bytes)
    }
  }
  return { frames: decoded, payload: Buffer.concat(payload), between: decoder.betweenFrames }
}

t.test('every frame survives the wire, in pieces of any size', async t => {
  const { bytes, payload } = encodeAll()
  for (const lengths of [[bytes.length], [65_536], [4093], [1, 15, 16, 17, 3, 100_000], [7, 1_000_000]]) {
    const decoded = decode(bytes, lengths)
    t.strictSame(decoded.frames, frames, `pieces of ${lengths}`)
    t.ok(decoded.payload.equals(payload))
    t.ok(decoded.between)
  }
  const heads = Buffer.concat(frames.slice(0, 2).map(encodeFrame))
  t.strictSame(decode(heads, [1]).frames, frames.slice(0, 2), 'byte by byte')
})

t.test('the layout is what docs/PROTOCOL.md says', async t => {
  const push = encodeFrame({
    type: 'push',
    number: 0x01020304,
    id: { client: 5 as SessionId, counter: 2 ** 32 + 6 },
    length: 0x10,
    crc32: 0xaabbccdd,
    chain: [{ host: 'b', port: 80 }],
  })
  t.equal(
    push.toString('hex'),
    ['4c46', '01', '02', '04030201', '1a000000', '10000000', '0500000000000000', '0600000001000000', 'ddccbbaa']
      .concat(['01', '04', Buffer.from('b:80').toString('hex')])
      .join(''),
  )
})

t.test('a payload is not copied', async t => {
  const bytes = Buffer.concat([encodeFrame({ type: 'readReply', number: 1, length: 4, crc32: 0 }), Buffer.from('data')])
  const decoder = new FrameDecoder()
  decoder.append(bytes)
  decoder.next()
  const piece = decoder.next()
  t.equal(piece?.kind === 'payload' && piece.bytes.buffer, bytes.buffer)
})

t.test('a cut frame is seen', async t => {
  const whole = encodeFrame(frames[0] as Frame)
  for (const length of [1, prefixLength, prefixLength + 1, whole.length - 1]) {
    t.notOk(decode(whole.subarray(0, length), [length]).between, `${length} bytes`)
  }
})

/** The frame with some bytes overwritten. */
function damage(frame: Frame, offset: number, hex: string): Buffer {
  const bytes = encodeFrame(frame)
  bytes.write(hex, offset, 'hex')
  return bytes
}

t.test('frames beyond the limits are CORRUPT', async t => {
  const push: Frame = { type: 'push', number: 1, id, length: 1, crc32: 0, chain: [{ host: 'b', port: 80 }] }
  const read: Frame = { type: 'read', number: 1, handle: 1 as ChunkHandle, version: 1, offset: 0, length: 1 }
  const ack: Frame = { type: 'pushAck', number: 1, failure: { position: 1, code: 'IO', message: '' } }
  const head = prefixLength
  const cases: [string, Buffer][] = [
    ['no magic', damage(push, 0, '0000')],
    ['another version', damage(push, 2, '02')],
    ['type 0', damage(push, 3, '00')],
    ['an unknown type', damage(push, 3, '63')],
    ['a head that is too long', damage(push, 8, 'ffffffff')],
    ['a payload that is too long', damage(push, 12, '01001000')],
    ['a payload where there is none', damage(read, 12, '01000000')],
    ['a push without bytes', damage(push, 12, '00000000')],
    ['a client beyond 2^53', damage(push, head, '0000000000002000')],
    ['a chain that is too long', damage(push, head + 20, '09')],
    ['a chain with fewer addresses', damage(push, head + 20, '02')],
    ['a chain with more addresses', damage(push, head + 20, '00')],
    ['an address that is none', damage(push, head + 22, '20')],
    ['an address without a port', damage(push, head + 23, '62')],
    ['an address that is no ASCII', damage(push, head + 22, 'ff')],
    ['a read of nothing', damage(read, head + 20, '00000000')],
    ['a read that is too long', damage(read, head + 20, '01001000')],
    ['a read beyond the chunk', damage(read, head + 16, '00000004')],
    ['a failure beyond any chain', damage(ack, head, '09')],
    ['a text longer than the head', damage(ack, head + 1, 'ff')],
  ]
  for (const [name, bytes] of cases) t.throws(() => decode(bytes, [bytes.length]), { code: 'CORRUPT' }, name)
  t.throws(() => decodePrefix(Buffer.alloc(prefixLength)), { code: 'CORRUPT' })
})

t.test('a failure with bytes is CORRUPT', async t => {
  const bytes = encodeFrame({ type: 'readReply', number: 1, length: 0, crc32: 0, failure: { code: 'IO', message: '' } })
  bytes.writeUInt32LE(4, 12)
  t.throws(() => decode(bytes, [bytes.length]), { code: 'CORRUPT' })
})

t.test('an error code from a newer peer is INTERNAL', async t => {
  const bytes = encodeFrame({ type: 'goodbye', failure: { code: 'LOCKED', message: '' } })
  bytes.write('MOCKED', prefixLength + 1)
  t.match(decode(bytes, [bytes.length]).frames, [{ failure: { code: 'INTERNAL' } }])
})

t.test('a long message is cut, between characters', async t => {
  const failure = { code: 'IO' as const, message: 'é'.repeat(frameMessageLengthMax) }
  const [frame] = decode(encodeFrame({ type: 'goodbye', failure }), [9999]).frames
  t.match(frame, { failure: { message: /^é{512}$/ } })
})

t.test('garbage gives frames or CORRUPT, and nothing else', async t => {
  const random = new SeededRandom(7)
  const { bytes } = encodeAll()
  let refused = 0
  for (let round = 0; round < 3000; round++) {
    const start = Math.floor(random.next() * 3000)
    const damaged = Buffer.from(bytes.subarray(0, 4096))
    for (let n = 0; n < 3; n++) damaged[Math.floor(random.next() * 300)] = Math.floor(random.next() * 256)
    try {
      decode(round % 2 === 0 ? damaged : damaged.subarray(start), [97])
    } catch (reason) {
      if (!(reason instanceof LeasefsError) || reason.code !== 'CORRUPT') throw reason
      refused++
    }
  }
  t.ok(refused > 1000)
})
