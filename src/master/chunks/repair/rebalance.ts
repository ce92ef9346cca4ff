// Evening out how full servers are, at an operator's word: replicas go from the
// fullest server to the emptiest, a few at a time, until each is within a few
// percent of the average or nothing more can be moved. Chunks that are being
// written to, or are not as they should be, are left alone; so are those that
// would stand closer together than before.

import type { RebalanceStatus } from '../../../wire/gen/admin.js'
import type { ServerId } from '../../../wire/ids.js'
import type { Candidate } from '../placement.js'
import { crowdOf } from '../placement.js'
import { isIncomplete, type Room } from '../room.js'
import { rebalanceScanMax, rebalanceSettleMs } from './limits.js'
import { type ChunkView, needOf } from './need.js'
import type { Repairs } from './repairs.js'
import { bytesOf, isGoodHolder, takersOf, viewOf } from './view.js'

/** How full a server is. */
export interface Use {
  readonly id: ServerId
  readonly totalBytes: number
  readonly usedBytes: number
}

export interface Imbalance {
  /** Use of the emptiest and of the fullest, from 0 to 1. */
  readonly least: number
  readonly most: number
  /** Where replicas go from and to; absent when all is even. */
  readonly pair: { readonly from: ServerId; readonly to: ServerId } | undefined
  /** What would have to be moved for all to be even. */
  readonly remainingBytes: number
}

/** Pure. `within`: how far from the average is even, from 0 to 1. */
export function imbalanceOf(uses: readonly Use[], within: number): Imbalance {
  const sorted = uses.filter(({ totalBytes }) => totalBytes > 0).sort((a, b) => share(a) - share(b))
  const [emptiest, fullest] = [sorted.at(0), sorted.at(-1)]
  if (!emptiest || !fullest) return { least: 0, most: 0, pair: undefined, remainingBytes: 0 }
  const average = sum(sorted.map(({ usedBytes }) => usedBytes)) / sum(sorted.map(({ totalBytes }) => totalBytes))
  const uneven = share(fullest) > average + within || share(emptiest) < average - within
  const beyond = sorted.map(use => Math.max(0, use.usedBytes - (average + within) * use.totalBytes))
  const below = sorted.map(use => Math.max(0, (average - within) * use.totalBytes - use.usedBytes))
  return {
    least: share(emptiest),
    most: share(fullest),
    pair: uneven ? { from: fullest.id, to: emptiest.id } : undefined,
    remainingBytes: Math.round(Math.max(sum(beyond), sum(below))),
  }
}

function share({ usedBytes, totalBytes }: Use): number {
  return usedBytes / totalBytes
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

interface Run {
  readonly within: number
  running: boolean
  /** Where the walk over the fullest server's replicas goes on, and whether a whole one found nothing. */
  from: ServerId | undefined
  cursor: number
  found: boolean
}

/** Moves that the servers' own measurements do not show yet. */
interface Recent {
  readonly from: ServerId
  readonly to: ServerId
  readonly bytes: number
  until: number
}

export class Rebalance {
  readonly #room: Room
  readonly #repairs: Repairs
  #run: Run | undefined
  #recent: Recent[] = []

  constructor(room: Room, repairs: Repairs) {
    this.#room = room
    this.#repairs = repairs
  }

  start(percent: number): void {
    this.#run = { within: percent / 100, running: true, from: undefined, cursor: 0, found: false }
  }

  stop(): void {
    if (this.#run) this.#run.running = false
  }

  status(): RebalanceStatus | undefined {
    if (!this.#run) return undefined
    const { least, most, remainingBytes } = imbalanceOf(this.#uses(), this.#run.within)
    const { tally } = this.#repairs
    return {
      running: this.#run.running,
      percent: Math.round(this.#run.within * 100),
      movedReplicas: tally.replicas('rebalance'),
      movedBytes: tally.bytes('rebalance'),
      leastUsed: Math.round(Math.max(0, least) * 10_000),
      mostUsed: Math.round(Math.max(0, most) * 10_000),
      remainingBytes,
    }
  }

  /** A duty. */
  step(): void {
    const run = this.#run
    const { clock, absences } = this.#room
    if (!run?.running || isIncomplete(this.#room) || clock.now() < absences.holdsUntil) return
    if (!this.#repairs.slots.anyFree('rebalance')) return
    const { pair } = imbalanceOf(this.#uses(), run.within)
    if (pair) this.#move(run, pair.from, pair.to)
    else if (this.#repairs.slots.underWay('rebalance') === 0) run.running = false
  }

  #move(run: Run, from: ServerId, to: ServerId): void {
    const target = takersOf(this.#room).filter(({ id }) => id === to)
    if (run.from !== from) Object.assign(run, { from, cursor: 0, found: false })
    const { entries, next } = this.#room.replicas.slice(from, run.cursor, rebalanceScanMax)
    for (const [handle] of entries) {
      const record = this.#room.table.chunk(handle)
      const view = record && viewOf(this.#room, record)
      if (!view || !this.#mayMove(view, from, target)) continue
      if (this.#repairs.begin('rebalance', view, target, from) !== 'begun') continue
      run.found = true
      this.#recent.push({ from, to, bytes: bytesOf(view.record), until: Number.POSITIVE_INFINITY })
      return
    }
    run.cursor = next ?? 0
    if (next !== undefined) return
    // Nothing on the fullest server can go to the emptiest: that is as even as it gets.
    if (!run.found && this.#repairs.slots.underWay('rebalance') === 0) run.running = false
    run.found = false
  }

  /** Whole, settled, in nobody's hands, and not closer to its other replicas on the target than it is now. */
  #mayMove({ record, holders, expected }: ChunkView, from: ServerId, [target]: readonly Candidate[]): boolean {
    const { leases, clock } = this.#room
    if (!target || leases.current(record.handle, clock.now()) || record.version !== record.settledVersion) return false
    if (needOf({ record, holders, expected }).kind !== 'none') return false
    const good = holders.filter(holder => isGoodHolder(record, holder))
    const moved = good.find(({ server }) => server === from)
    if (!moved || holders.some(({ server }) => server === target.id)) return false
    const others = good.filter(({ server }) => server !== from)
    return crowdOf(target.location, others) <= crowdOf(moved.location, others)
  }

  #uses(): Use[] {
    this.#forgetRecent()
    const uses: Use[] = []
    for (const { id, totalBytes, freeBytes } of this.#room.servers.all()) {
      if (this.#room.servers.standing(id) !== 'serving' || this.#room.serverTable.draining.has(id)) continue
      const coming = this.#recent.reduce((bytes, move) => bytes + (move.to === id ? move.bytes : 0), 0)
      const going = this.#recent.reduce((bytes, move) => bytes + (move.from === id ? move.bytes : 0), 0)
      uses.push({ id, totalBytes, usedBytes: totalBytes - freeBytes + coming - going })
    }
    return uses
  }

  /** Moves that have ended are seen in the servers' own measurements soon. */
  #forgetRecent(): void {
    const now = this.#room.clock.now()
    const underWay = this.#repairs.slots.underWay('rebalance')
    // They end in about the order in which they began.
    for (const move of this.#recent.slice(0, this.#recent.length - underWay)) {
      move.until = Math.min(move.until, now + rebalanceSettleMs)
    }
    this.#recent = this.#recent.filter(({ until }) => until > now)
  }
}
