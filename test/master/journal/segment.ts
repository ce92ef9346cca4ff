import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { encodeRecord, segmentHeaderLength } from '../../../src/master/journal/journal-format.js'
import {
  createSegment,
  damage,
  listSegments,
  openTail,
  readSegment,
  segmentRecords,
  wasSynced,
} from '../../../src/master/journal/segment.js'
import type { ClusterId } from '../../../src/wire/ids.js'

const clusterId = '01234567-89ab-4cde-8f01-23456789abcd' as ClusterId

/** Records after one another: [index, synced, payload]. */
function records(...list: [index: number, synced: number, payload: string][]): Buffer {
  const bytes = Buffer.alloc(1000)
  let end = 0
  for (const [index, synced, payload] of list) end = encodeRecord(bytes, end, index, synced, Buffer.from(payload))
  return bytes.subarray(0, end)
}

t.test('a new segment is listed, and read as empty', async t => {
  const directory = t.testdir({ 'other file': '', 'x.new': '' })
  const { segment, tail } = createSegment(directory, clusterId, 7)
  t.same(listSegments(directory), [segment])
  t.notOk(readdirSync(directory).includes('x.new'))
  const bytes = readSegment(segment, clusterId)
  t.same([...segmentRecords(bytes, 7)], [])
  t.equal(tail.size, segmentHeaderLength)
  t.throws(() => readSegment({ ...segment, firstIndex: 8 }, clusterId), { code: 'CORRUPT' })
  t.throws(() => readSegment({ ...segment, path: `${segment.path}x` }, clusterId), { code: 'IO' })
})

t.test('records are read up to the first that does not follow', async t => {
  const directory = t.testdir()
  const { segment } = createSegment(directory, clusterId, 1)
  const header = readFileSync(segment.path)
  const read = (tail: Buffer) => {
    const steps = segmentRecords(Buffer.concat([header, tail]), 1)
    return Array.from(steps, ({ index }) => index)
  }
  t.same(read(records([1, 0, 'a'], [2, 0, 'b'])), [1, 2])
  t.same(read(records([1, 0, 'a'], [3, 0, 'b'])), [1])
  t.same(read(records([2, 0, 'a'])), [])
})

t.test('a later record says what had been synced', async t => {
  const bad = Buffer.alloc(30, 1)
  const bytes = (...list: Parameters<typeof records>) => Buffer.concat([bad, records(...list)])
  t.ok(wasSynced(bytes([5, 4, 'x']), 0, 4))
  t.notOk(wasSynced(bytes([5, 3, 'x']), 0, 4), 'it was not')
  t.notOk(wasSynced(bytes([4, 4, 'x']), 0, 4), 'no later record')
  t.ok(wasSynced(bytes([5, 3, 'x'], [6, 4, 'y']), 0, 4))
  t.notOk(wasSynced(bad, 0, 4))
})

t.test('the last segment is opened at its end', async t => {
  const directory = t.testdir()
  const { segment } = createSegment(directory, clusterId, 1)
  const whole = Buffer.concat([readFileSync(segment.path), records([1, 0, 'a'], [2, 0, 'b'])])
  writeFileSync(segment.path, Buffer.concat([whole, Buffer.from('torn')]))
  t.throws(() => openTail(segment, clusterId, 3, silentLog), { code: 'CORRUPT' }, 'record 3 was there')
  const { tail, lastIndex } = openTail(segment, clusterId, 2, silentLog)
  t.match([tail.size, lastIndex], [whole.length, 2])
  t.same(readFileSync(segment.path), whole)
})

t.test('damage is reported with file, record and byte', async t => {
  t.match(damage({ path: '/j/1.journal', firstIndex: 1 }, 123, 45), {
    code: 'CORRUPT',
    message: '/j/1.journal: record 45 at byte 123 is damaged',
  })
})
