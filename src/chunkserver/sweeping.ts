// The duty that ends expired leases and forgets replicas that have long been idle.

import type { Clock } from '../base/clock.js'
import { sweepMs } from './limits.js'
import type { Replicas } from './replicas.js'

export function startSweeping(replicas: Replicas, clock: Clock, leaseMs: () => number): { stop(): void } {
  let cancel = () => {}
  const schedule = () => {
    cancel = clock.after(sweepMs, () => {
      replicas.sweep(clock.now(), leaseMs())
      schedule()
    })
  }
  schedule()
  return { stop: () => cancel() }
}
