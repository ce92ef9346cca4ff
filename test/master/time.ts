import t from 'tap'
import { timeOf } from '../../src/master/time.js'

t.test('nanoseconds count forward, before 1970 too', async t => {
  const cases: [wallNs: bigint, seconds: number, nanos: number][] = [
    [0n, 0, 0],
    [1_700_000_000_123_456_789n, 1_700_000_000, 123_456_789],
    [999_999_999n, 0, 999_999_999],
    [-1n, -1, 999_999_999],
    [-1_000_000_000n, -1, 0],
  ]
  for (const [wallNs, seconds, nanos] of cases) t.same(timeOf(wallNs), { seconds, nanos }, `${wallNs}`)
})
