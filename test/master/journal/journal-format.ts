import t from 'tap'
import { SeededRandom } from '../../../src/base/random.js'
import {
  decodeRecord,
  decodeSegmentHeader,
  encodeRecord,
  encodeSegmentHeader,
  payloadLengthMax,
  recordHeaderLength,
  segmentFirstIndex,
  segmentName,
} from '../../../src/master/journal/journal-format.js'
import type { ClusterId } from '../../../src/wire/ids.js'

const clusterId = '01234567-89ab-4cde-8f01-23456789abcd' as ClusterId

t.test('a segment header comes back as it was', async t => {
  const header = { firstIndex: 2 ** 40 + 5, clusterId }
  t.same(decodeSegmentHeader(encodeSegmentHeader(header), 'x'), header)
})

t.test('a header with any bit off is refused', async t => {
  const header = encodeSegmentHeader({ firstIndex: 7, clusterId })
  for (let at = 0; at < 44; at++) {
    const bytes = Buffer.from(header)
    bytes.writeUInt8(bytes.readUInt8(at) ^ 4, at)
    const code = at >= 8 && at < 12 ? 'NEWER_FORMAT' : 'CORRUPT'
    t.throws(() => decodeSegmentHeader(bytes, 'x'), { code }, `byte ${at}`)
  }
  t.throws(() => decodeSegmentHeader(header.subarray(0, 47), 'x'), { code: 'CORRUPT' })
})

t.test('a record comes back as it was, wherever it stands', async t => {
  const payload = Buffer.from('payload')
  const bytes = Buffer.alloc(100)
  const end = encodeRecord(bytes, 10, 2 ** 40, 2 ** 39, payload)
  t.equal(end, 10 + recordHeaderLength + payload.length)
  t.same(decodeRecord(bytes, 10), { index: 2 ** 40, synced: 2 ** 39, payload, end })
})

t.test('what is not a whole record is none', async t => {
  const bytes = Buffer.alloc(64)
  const end = encodeRecord(bytes, 0, 1, 0, Buffer.from('abc'))
  for (let length = 0; length < end; length++) t.equal(decodeRecord(bytes.subarray(0, length), 0), undefined)
  for (let at = 0; at < end; at++) {
    const damaged = Buffer.from(bytes)
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at)
    t.equal(decodeRecord(damaged, 0), undefined, `byte ${at}`)
  }
  t.equal(decodeRecord(Buffer.alloc(1000), 0), undefined, 'zeros')
  const long = Buffer.alloc(payloadLengthMax + 100)
  encodeRecord(long, 0, 1, 0, Buffer.alloc(payloadLengthMax + 1))
  t.equal(decodeRecord(long, 0), undefined, 'too long')
})

t.test('garbage is no record', async t => {
  const random = new SeededRandom(1)
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(Array.from({ length: 40 }, () => Math.floor(random.next() * 256)))
    if (decodeRecord(bytes, 0)) t.fail(bytes.toString('hex'))
  }
})

t.test('names of segments sort as their numbers', async t => {
  const indexes = [1, 99, 100, Number.MAX_SAFE_INTEGER]
  const names = indexes.map(segmentName)
  t.same([...names].sort(), names)
  t.same(names.map(segmentFirstIndex), indexes)
  for (const name of ['1.journal', 'x', '0000000000000001.journal.new']) t.equal(segmentFirstIndex(name), undefined)
})
