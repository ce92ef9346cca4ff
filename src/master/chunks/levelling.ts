// A duty: chunks whose replicas are in doubt are made level, also if nobody
// asks for them. Only when all their replicas are there: who asks earlier has
// it done without those that are missing, which are stale from then on.

import { LeasefsError } from '../../base/errors.js'
import { type ChunkHandle, handleText } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import type { Grants } from './grants.js'
import { isGood } from './lease-plan.js'
import { levelsAtOnceMax } from './limits.js'
import { isIncomplete, type Room } from './room.js'

export class Levelling {
  readonly #room: Room
  readonly #grants: Grants
  readonly #underWay = new Set<ChunkHandle>()

  constructor(room: Room, grants: Grants) {
    this.#room = room
    this.#grants = grants
  }

  look(): void {
    const { doubts, leases, clock, table } = this.#room
    if (isIncomplete(this.#room)) return
    doubts.leasesKnown(handle => leases.current(handle, clock.now())?.leaseId)
    for (const handle of doubts.handles()) {
      if (this.#underWay.size >= levelsAtOnceMax) return
      const record = table.chunk(handle)
      if (!record) doubts.resolved(handle)
      else if (this.#allThere(record)) this.#level(handle)
    }
  }

  #allThere(record: ChunkRecord): boolean {
    const { replicas, servers } = this.#room
    const good = replicas.of(record.handle).filter(({ version }) => isGood(record, version))
    return good.filter(({ server }) => servers.standing(server) === 'serving').length >= record.replicaCount
  }

  /** A lease is granted on level replicas only. */
  #level(handle: ChunkHandle): void {
    if (this.#underWay.has(handle)) return
    this.#underWay.add(handle)
    this.#grants.lease(handle).then(
      () => this.#underWay.delete(handle),
      reason => {
        this.#underWay.delete(handle)
        if (!(reason instanceof LeasefsError)) throw reason
        this.#room.log.warn({ handle: handleText(handle), err: reason }, 'replicas in doubt were not made level')
      },
    )
  }
}
