import t from 'tap'
import { imbalanceOf, type Use } from '../../../../src/master/chunks/repair/rebalance.js'
import type { ServerId } from '../../../../src/wire/ids.js'

const use = (id: string, usedBytes: number, totalBytes = 100): Use => ({ id: id as ServerId, usedBytes, totalBytes })

t.test('replicas go from the fullest to the emptiest, until all are near the average', async t => {
  t.match(imbalanceOf([use('a', 50), use('b', 10), use('c', 30)], 0.05), {
    least: 0.1,
    most: 0.5,
    pair: { from: 'a', to: 'b' },
    remainingBytes: 15,
  })
  t.match(imbalanceOf([use('a', 34), use('b', 26)], 0.05), { pair: undefined, remainingBytes: 0 })
  t.match(
    imbalanceOf([use('a', 50, 1000), use('b', 50)], 0.05),
    { pair: { from: 'b', to: 'a' } },
    'shares count, not bytes',
  )
  t.match(imbalanceOf([use('a', 50)], 0.05), { pair: undefined })
  t.match(imbalanceOf([use('a', 0, 0)], 0.05), { pair: undefined, least: 0 })
})
