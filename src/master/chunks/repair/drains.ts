// Servers that are being emptied: their replicas are walked again and again,
// and those that are needed are moved, until none is left. A server serves on
// meanwhile, and is done when a whole walk found nothing on it that is needed.

import type { DrainStatus } from '../../../wire/gen/admin.js'
import type { ServerId } from '../../../wire/ids.js'
import { isGood } from '../lease-plan.js'
import type { Candidate } from '../placement.js'
import { isIncomplete, type Room } from '../room.js'
import { drainScanMax } from './limits.js'
import { needOf } from './need.js'
import type { Repairs } from './repairs.js'
import { takersOf, viewOf } from './view.js'

interface Counts {
  readonly needed: number
  /** Of those, the ones that no server can take. */
  readonly nowhere: number
}

interface Walk {
  cursor: number
  soFar: Counts
  /** What the last whole walk found; undefined before there was one. */
  last: Counts | undefined
}

const nothing: Counts = { needed: 0, nowhere: 0 }

export class Drains {
  readonly #room: Room
  readonly #repairs: Repairs
  readonly #walks = new Map<ServerId, Walk>()

  constructor(room: Room, repairs: Repairs) {
    this.#room = room
    this.#repairs = repairs
  }

  status(): DrainStatus[] {
    return [...this.#room.serverTable.draining].sort().map(id => this.of(id))
  }

  of(id: ServerId): DrainStatus {
    const last = this.#walks.get(id)?.last
    const { needed, nowhere } = last ?? nothing
    return {
      serverId: id,
      remaining: last ? needed : -1,
      withoutTarget: nowhere,
      done: last !== undefined && needed === 0,
    }
  }

  /** A duty. */
  step(): void {
    const { serverTable, servers, clock, absences } = this.#room
    for (const id of this.#walks.keys()) if (!serverTable.draining.has(id)) this.#walks.delete(id)
    if (isIncomplete(this.#room)) return
    const mayBegin = clock.now() >= absences.silentUntil
    const takers = takersOf(this.#room)
    for (const id of serverTable.draining) {
      if (servers.standing(id) === 'serving') this.#walk(id, takers, mayBegin)
    }
  }

  #walk(id: ServerId, takers: readonly Candidate[], mayBegin: boolean): void {
    const walk = this.#walks.get(id) ?? { cursor: 0, soFar: nothing, last: undefined }
    this.#walks.set(id, walk)
    const { entries, next } = this.#room.replicas.slice(id, walk.cursor, drainScanMax)
    let { needed, nowhere } = walk.soFar
    for (const [handle, version] of entries) {
      const record = this.#room.table.chunk(handle)
      if (!record || !isGood(record, version)) continue
      needed++
      const view = viewOf(this.#room, record)
      // A chunk below its goal is repaired first, one beyond it loses this replica.
      const need = needOf(view)
      if (need.kind === 'copy' && takers.every(({ id }) => view.holders.some(({ server }) => server === id))) nowhere++
      if (need.kind !== 'move') continue
      if (mayBegin) {
        if (this.#repairs.begin('drain', view, takers) === 'nowhere') nowhere++
      }
    }
    walk.soFar = next === undefined ? nothing : { needed, nowhere }
    if (next === undefined) walk.last = { needed, nowhere }
    walk.cursor = next ?? 0
  }
}
