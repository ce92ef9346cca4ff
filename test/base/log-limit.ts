import t from 'tap'
import type { Logger } from '../../src/base/log.js'
import { LogLimit, warningsMax, warningsMs } from '../../src/base/log-limit.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'

t.test('so many warnings of a kind are logged, and how many were not', async t => {
  const clock = new SimulatedClock()
  const lines: [fields: object, message: string][] = []
  const log = { warn: (fields: object, message: string) => lines.push([fields, message]) }
  const limit = new LogLimit(log as unknown as Logger, clock)

  for (let i = 0; i < warningsMax + 1000; i++) limit.warn({ i }, 'connection closed')
  limit.warn({ code: 'IO' }, 'push failed')
  t.equal(lines.length, warningsMax + 1)
  t.same(lines.at(-1), [{ code: 'IO' }, 'push failed'], 'each message by itself')

  await clock.advance(warningsMs)
  t.same(lines.slice(warningsMax + 1), [[{ notLogged: 1000, seconds: 10 }, 'connection closed']])

  limit.warn({ i: 0 }, 'connection closed')
  t.same(lines.at(-1), [{ i: 0 }, 'connection closed'], 'then it begins anew')
  await clock.advance(warningsMs)
  t.equal(lines.length, warningsMax + 3)
})
