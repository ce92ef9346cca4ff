import t from 'tap'
import { parseStat, processStat } from '../../src/cli/process-stat.js'

t.test('the fields are found behind the name, whatever that is', async t => {
  const fields = ['Z', ...Array.from({ length: 49 }, (_, i) => String(i + 1))]
  t.same(parseStat(`7 (a ) name) ${fields.join(' ')}\n`), { state: 'Z', startTime: 19, waitStatus: 49 })
})

t.test('of this process, and of none', async t => {
  const own = processStat(process.pid)
  t.match(own?.state, /^[RS]$/)
  t.ok(Number(own?.startTime) > 0)
  t.equal(processStat(2 ** 30), undefined)
})
