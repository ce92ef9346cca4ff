import t from 'tap'
import { indexKey, keyNumber, nameKey, numberKey, pairKey, prefixRange } from '../../../src/master/state/keys.js'

const numbers = [0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7, Number.MAX_SAFE_INTEGER]

t.test('keys are in the order of their numbers', async t => {
  const keys = numbers.map(numberKey)
  t.same([...keys].sort(Buffer.compare), keys)
  t.same(
    keys.map(key => keyNumber(key, 0)),
    numbers,
  )
})

t.test('keys of two parts are in the order of the first, then the second', async t => {
  const keys = [pairKey(1, 2), pairKey(1, 3), pairKey(2, 0), pairKey(2 ** 32, 0)]
  t.same([...keys].sort(Buffer.compare), keys)
  t.same(
    keys.map(key => keyNumber(key, 8)),
    [2, 3, 0, 0],
  )
  const indexes = [indexKey(1, 0), indexKey(1, 2 ** 20), indexKey(2, 0)]
  t.same([...indexes].sort(Buffer.compare), indexes)
})

t.test('a prefix range has the names of one number', async t => {
  const { from, to } = prefixRange(7)
  const within = (key: Buffer) => Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0
  t.ok(within(nameKey(7, Buffer.from('a'))))
  t.ok(within(nameKey(7, Buffer.alloc(255, 0xff))))
  t.notOk(within(nameKey(8, Buffer.alloc(0))))
  t.notOk(within(nameKey(6, Buffer.alloc(255, 0xff))))
})
