// How many copies are under way: to and from each server, and in all, of each
// kind. Who takes a slot gives it back.

import type { ServerId } from '../../../wire/ids.js'
import type { Kind, Limits } from './limits.js'

interface Counts {
  readonly in: Map<ServerId, number>
  readonly out: Map<ServerId, number>
  total: number
}

export class CopySlots {
  readonly #limits: Limits
  readonly #counts: Readonly<Record<Kind, Counts>> = { repair: none(), drain: none(), rebalance: none() }

  constructor(limits: Limits) {
    this.#limits = limits
  }

  underWay(kind: Kind): number {
    return this.#counts[kind].total
  }

  anyFree(kind: Kind): boolean {
    return this.#counts[kind].total < this.#limits[kind].totalMax
  }

  freeIn(kind: Kind, server: ServerId): boolean {
    return (this.#counts[kind].in.get(server) ?? 0) < this.#limits[kind].inMax
  }

  freeOut(kind: Kind, server: ServerId): boolean {
    return this.outOf(kind, server) < this.#limits[kind].outMax
  }

  outOf(kind: Kind, server: ServerId): number {
    return this.#counts[kind].out.get(server) ?? 0
  }

  /** What one copy may take of its kind's rate. */
  bytesPerSecond(kind: Kind): number {
    const { bytesPerSecond, inMax } = this.#limits[kind]
    return Math.ceil(bytesPerSecond / inMax)
  }

  /** The caller has seen that they are free. Returns what gives them back. */
  take(kind: Kind, source: ServerId, target: ServerId): () => void {
    const counts = this.#counts[kind]
    counts.total++
    add(counts.out, source, 1)
    add(counts.in, target, 1)
    return () => {
      counts.total--
      add(counts.out, source, -1)
      add(counts.in, target, -1)
    }
  }
}

function none(): Counts {
  return { in: new Map(), out: new Map(), total: 0 }
}

function add(counts: Map<ServerId, number>, server: ServerId, by: number): void {
  const count = (counts.get(server) ?? 0) + by
  if (count === 0) counts.delete(server)
  else counts.set(server, count)
}
