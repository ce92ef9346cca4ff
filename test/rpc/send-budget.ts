import t from 'tap'
import { MiB } from '../../src/base/units.js'
import { streamShareBytes } from '../../src/rpc/limits.js'
import { SendBudget } from '../../src/rpc/send-budget.js'

t.test('when too much waits in all, streams with more than their share have too much', async t => {
  const budget = new SendBudget(10 * MiB)
  budget.changed(10 * MiB)
  t.notOk(budget.isTooMuch(10 * MiB))
  budget.changed(1)
  t.ok(budget.isTooMuch(streamShareBytes + 1))
  t.notOk(budget.isTooMuch(streamShareBytes))
  budget.changed(-1)
  t.notOk(budget.isTooMuch(10 * MiB), 'it has left')
})
