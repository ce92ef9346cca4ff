import t from 'tap'
import { applyRecord, decodeRecord } from '../../../src/master/ops/apply.js'
import { encodeStored } from '../../../src/master/state/stored.js'
import { JournalRecord } from '../../../src/wire/gen/state.js'
import { Namespace, root } from '../harness/namespace.js'

const now = { seconds: 1, nanos: 2 }

t.test('a record is applied once, in its place', async t => {
  const fs = await Namespace.open()
  const record: JournalRecord = {
    ...{ now, origin: undefined },
    effect: { $case: 'fileWritten', value: { ino: root, size: 5, mtime: now, usage: [] } },
  }
  const index = fs.journal.lastIndex + 1
  const apply = (at: number) => fs.state.transaction(() => applyRecord(fs.state, at, record))
  t.throws(() => apply(index + 1), { code: 'ERR_ASSERTION' })
  t.match(apply(index), { touched: [root] })
  t.throws(() => apply(index), { code: 'ERR_ASSERTION' })
  t.equal(fs.state.meta.current.appliedIndex, index)
})

t.test('what a request came to is remembered in the same transaction', async t => {
  const fs = await Namespace.open()
  const record: JournalRecord = {
    now,
    origin: { sessionId: 1, number: 5, answeredThrough: 4 },
    effect: { $case: 'xattrSet', value: { ino: root, name: Buffer.from('user.a'), value: Buffer.from('1') } },
  }
  fs.state.transaction(() => applyRecord(fs.state, fs.journal.lastIndex + 1, record))
  t.match(fs.state.answers.find(1, 5), { number: 5, result: { $case: 'done' } })
})

t.test('a record says what it is, or is refused', async t => {
  const record: JournalRecord = {
    ...{ now, origin: undefined },
    effect: { $case: 'sessionEnded', value: { sessionId: 7, expired: false } },
  }
  t.same(decodeRecord(1, encodeStored(JournalRecord, record)), record)
  t.throws(() => decodeRecord(1, Buffer.from([0x80])), { code: 'CORRUPT' })
  const unknown = encodeStored(JournalRecord, { now, origin: undefined, effect: undefined })
  t.throws(() => decodeRecord(1, unknown), { code: 'NEWER_FORMAT' })
})
