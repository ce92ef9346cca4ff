import t from 'tap'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { sweepMs } from '../../src/chunkserver/limits.js'
import type { Replicas } from '../../src/chunkserver/replicas.js'
import { startSweeping } from '../../src/chunkserver/sweeping.js'

t.test('replicas are swept again and again, until it is stopped', async t => {
  const clock = new SimulatedClock()
  const sweeps: number[][] = []
  const replicas = { sweep: (now: number, leaseMs: number) => sweeps.push([now, leaseMs]) } as unknown as Replicas
  const sweeping = startSweeping(replicas, clock, () => 60_000)
  await clock.advance(2 * sweepMs)
  t.same(sweeps, [
    [sweepMs, 60_000],
    [2 * sweepMs, 60_000],
  ])
  sweeping.stop()
  await clock.advance(2 * sweepMs)
  t.equal(sweeps.length, 2)
})
