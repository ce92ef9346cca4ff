import t from 'tap'
import { decodeRecord, encodeRecord } from '../../src/base/surviving-record.js'

const record = { number: 7, key: 'a/b', value: { n: 1, text: 'ü' }, gone: ['x', 'y'] }
const bytes = Buffer.from('some bytes')
const encoded = () => Buffer.concat(encodeRecord(record, [bytes.subarray(0, 4), bytes.subarray(4)]).pieces)

t.test('what was encoded is decoded', async t => {
  const file = Buffer.concat([Buffer.from('before'), encoded(), Buffer.from('behind')])
  const found = decodeRecord(file, 6, 7)
  t.same(found?.record, { ...record, bytes })
  t.equal(found?.length, encoded().length)
  const empty = Buffer.concat(encodeRecord({ number: 8, key: undefined, value: null, gone: ['z'] }, []).pieces)
  t.same(decodeRecord(empty, 0, 8)?.record, {
    ...{ number: 8, key: undefined, value: null, gone: ['z'] },
    bytes: Buffer.alloc(0),
  })
})

t.test('a record that was cut off anywhere is none, whatever lies behind it', async t => {
  const whole = encoded()
  const older = Buffer.concat(encodeRecord({ ...record, number: 6 }, [bytes]).pieces)
  for (let length = 0; length < whole.length; length++) {
    t.equal(decodeRecord(whole.subarray(0, length), 0, 7), undefined)
    const over = Buffer.from(older)
    whole.copy(over, 0, 0, length)
    // All but the end of the number is the same in both: then it is whole, but for that.
    if (length < whole.length - 7) t.equal(decodeRecord(over, 0, 7), undefined, `${length} bytes over another`)
  }
})

t.test('a record of another number is none', async t => {
  t.equal(decodeRecord(encoded(), 0, 8), undefined)
  t.equal(decodeRecord(Buffer.alloc(100), 0, 0), undefined)
})

t.test('a record that means nothing is an error', async t => {
  const file = encoded()
  file.write('no json', 24)
  t.throws(() => decodeRecord(file, 0, 7), { code: 'CORRUPT' })
})
