import t from 'tap'
import { SeededRandom } from '../../../../src/base/random.js'
import { chooseTarget, type TargetView } from '../../../../src/master/chunks/repair/target.js'
import type { ServerId } from '../../../../src/wire/ids.js'

const at = (server: string, rack: string) => ({ server: server as ServerId, location: { dc: 'd', rack, host: server } })
const taker = (server: string, rack: string, freeBytes = 2 ** 40) => ({
  id: server as ServerId,
  location: { dc: 'd', rack, host: server },
  freeBytes,
})

function choose(view: Partial<TargetView>): string | undefined {
  return chooseTarget({ takers: [], staying: [], stale: new Set(), copies: 2, ...view }, new SeededRandom(1))
}

t.test('a server without a replica, in a rack with the fewest', async t => {
  const staying = [at('a', 'r1'), at('b', 'r2')]
  t.equal(choose({ takers: [taker('a', 'r1'), taker('c', 'r1'), taker('d', 'r3')], staying }), 'd')
  t.equal(choose({ takers: [taker('a', 'r1'), taker('c', 'r1')], staying }), 'c', 'a crowded rack is better than none')
  t.equal(choose({ takers: [taker('a', 'r1'), taker('b', 'r2')], staying }), undefined, 'never two on one server')
})

t.test('a stale replica saves work, but is left alone while it is a last resort', async t => {
  const takers = [taker('c', 'r3'), taker('d', 'r4')]
  const stale = new Set(['d' as ServerId])
  t.equal(choose({ takers, stale, staying: [at('a', 'r1'), at('b', 'r2')], copies: 2 }), 'd')
  t.equal(choose({ takers, stale, staying: [at('a', 'r1')], copies: 1 }), 'c')
  t.equal(
    choose({ takers: [taker('d', 'r4')], stale, staying: [at('a', 'r1')], copies: 1 }),
    'd',
    'unless it is the only place',
  )
})
