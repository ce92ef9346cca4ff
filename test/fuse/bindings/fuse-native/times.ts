import t from 'tap'
import { millisecondsOf, timeChanges, timestampOf } from '../../../../src/fuse/bindings/fuse-native/times.js'

const now = 1073n

t.test('milliseconds are seconds and nanoseconds, before the epoch too', async t => {
  t.same(timestampOf(1_500n), { seconds: 1, nanos: 500_000_000 })
  t.same(timestampOf(-1n), { seconds: -1, nanos: 999_000_000 })
  t.same(timestampOf(-2_000n), { seconds: -2, nanos: 0 })
  t.equal(millisecondsOf({ seconds: 1, nanos: 999_999_999 }), 1999)
  t.equal(millisecondsOf({ seconds: -1, nanos: 0 }), 0)
})

t.test('a time that is left out stays', async t => {
  const given = { seconds: 5, nanos: 0 }
  t.same(timeChanges(5000n, 5000n, true), { atime: given, mtime: given })
  t.same(timeChanges(5000n, now, true), { atime: given })
  t.same(timeChanges(now, 5000n, true), { mtime: given })
  t.same(timeChanges(now, now, true), { atime: 'now', mtime: 'now' })
})

t.test('where none is ever left out, every time is one', async t => {
  const odd = { seconds: 1, nanos: 73_000_000 }
  t.same(timeChanges(now, now, false), { atime: odd, mtime: odd })
})
