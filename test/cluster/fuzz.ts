// Every port of a cluster of real daemons attacked for a few seconds
// (docs/TESTING.md, "Bad input").

import t from 'tap'
import { Arena } from '../fuzz/arena.js'
import { complaintsOf, fuzz } from '../fuzz/run.js'
import { openSlow, slowComplaintsOf } from '../fuzz/slow.js'
import { cannotMount } from './harness.js'

/** Less than it takes to make each attack once. */
const attacksMs = 1000

t.test('whatever comes to a port, no daemon dies and no file changes', { skip: cannotMount }, async t => {
  const seed = Math.floor(performance.timeOrigin) % 2 ** 32
  t.comment(`seed ${seed}`)
  const arena = new Arena()
  t.teardown(() => arena.close())
  await arena.start()
  const ports = arena.ports()
  const closeSlow = await openSlow(ports, 2)
  const tallies = await fuzz({ ports, seed, ms: attacksMs })
  const slow = closeSlow()
  t.same(complaintsOf(tallies), [], 'who sends nonsense is thrown out or answered')
  t.same(slowComplaintsOf(slow), [], 'and who takes too long')
  t.same(await arena.complaints(), [], 'daemons live on, little is logged, memory is bounded, files are as they were')
})
