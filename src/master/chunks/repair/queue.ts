// Chunks that wait to be copied, by urgency, in the order in which they were
// found. Bounded: what finds no room is found again by a later scan.

import type { ChunkHandle } from '../../../wire/ids.js'
import { queuedMax } from './limits.js'
import { urgencyClasses } from './need.js'

interface Noted {
  readonly urgency: number
  readonly since: number
}

export class RepairQueue {
  readonly #classes = Array.from({ length: urgencyClasses }, () => new Set<ChunkHandle>())
  readonly #noted = new Map<ChunkHandle, Noted>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  get size(): number {
    return this.#noted.size
  }

  /** For how long the chunk has been here. */
  notedFor(handle: ChunkHandle): number {
    const now = this.#now()
    return now - (this.#noted.get(handle)?.since ?? now)
  }

  /** Notes a chunk, or moves it to its class of now. A full queue gives up one of the least urgent for a more urgent one. */
  put(handle: ChunkHandle, urgency: number): void {
    const { urgency: before, since = this.#now() } = this.#noted.get(handle) ?? {}
    if (before === urgency) return
    this.delete(handle)
    if (this.size >= queuedMax && !this.#makeRoom(urgency)) return
    this.#classes[urgency]?.add(handle)
    this.#noted.set(handle, { urgency, since })
  }

  delete(handle: ChunkHandle): void {
    const noted = this.#noted.get(handle)
    if (!noted) return
    this.#classes[noted.urgency]?.delete(handle)
    this.#noted.delete(handle)
  }

  /** Up to `countMax` of them with at most this urgency number, the most urgent first. They stay. */
  first(countMax: number, urgencyMax: number): ChunkHandle[] {
    const found: ChunkHandle[] = []
    for (const handles of this.#classes.slice(0, urgencyMax + 1)) {
      for (const handle of handles) {
        if (found.length === countMax) return found
        found.push(handle)
      }
    }
    return found
  }

  /** Its turn comes again after all others of its class. */
  postpone(handle: ChunkHandle): void {
    const handles = this.#classes[this.#noted.get(handle)?.urgency ?? -1]
    if (handles?.delete(handle)) handles.add(handle)
  }

  #makeRoom(urgency: number): boolean {
    for (let least = urgencyClasses - 1; least > urgency; least--) {
      const [handle] = this.#classes[least] ?? []
      if (handle === undefined) continue
      this.delete(handle)
      return true
    }
    return false
  }
}
