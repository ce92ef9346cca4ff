// A duty: chunks whose replicas are in doubt are made level, also if nobody
// asks for them: when all their replicas are there, or when servers that are
// missing have been waited for as long as repair waits for them. Without these it
// is done then, and when somebody asks earlier: they are stale from then on.

import { LeasefsError } from '../../base/errors.js'
import { type ChunkHandle, handleText } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import type { Grants } from './grants.js'
import { levelsAtOnceMax } from './limits.js'
import { needOf } from './repair/need.js'
import { isGoodHolder, viewOf } from './repair/view.js'
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
      else if (this.#mayLevel(record)) this.#level(handle)
    }
  }

  #mayLevel(record: ChunkRecord): boolean {
    const { absences, clock } = this.#room
    const view = viewOf(this.#room, record)
    const there = view.holders.filter(holder => isGoodHolder(record, holder)).length
    if (there >= record.replicaCount) return true
    if (clock.now() < absences.holdsUntil || view.expected > 0) return false
    const { kind } = needOf(view)
    return kind !== 'lost' && kind !== 'wait'
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
