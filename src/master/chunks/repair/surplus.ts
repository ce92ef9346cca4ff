// Chunks with more replicas than they want: one replica at a time is taken out
// of the set, when the chunk has been so for a while. A replica on a server
// that is being emptied goes at once.

import { LeasefsError } from '../../../base/errors.js'
import { type ChunkHandle, handleText } from '../../../wire/ids.js'
import type { Room } from '../room.js'
import { shrinksAtOnceMax, surplusDelayMs, surplusNotedMax } from './limits.js'
import { shrink } from './move.js'
import { needOf } from './need.js'
import { viewOf } from './view.js'

export class Surplus {
  readonly #room: Room
  /** When each is due, in the order in which they were noted. */
  readonly #due = new Map<ChunkHandle, number>()
  #underWay = 0

  constructor(room: Room) {
    this.#room = room
  }

  get size(): number {
    return this.#due.size
  }

  /** The first time counts. */
  note(handle: ChunkHandle, atOnce: boolean): void {
    const now = this.#room.clock.now()
    const due = this.#due.get(handle) ?? now + surplusDelayMs
    if (this.#due.has(handle) || this.#due.size < surplusNotedMax) this.#due.set(handle, atOnce ? now : due)
  }

  /** A duty: begins what is due, and forgets what is not so any more. */
  step(): void {
    for (const [handle, dueAt] of this.#due) {
      if (this.#underWay >= shrinksAtOnceMax) return
      if (dueAt > this.#room.clock.now()) continue
      this.#due.delete(handle)
      this.#shrink(handle)
    }
  }

  /** It has waited long enough already. */
  #noteNext(handle: ChunkHandle): void {
    const record = this.#room.table.chunk(handle)
    if (record && needOf(viewOf(this.#room, record)).kind === 'surplus') this.note(handle, true)
  }

  async #shrink(handle: ChunkHandle): Promise<void> {
    const record = this.#room.table.chunk(handle)
    const need = record && needOf(viewOf(this.#room, record))
    if (need?.kind !== 'surplus') return
    this.#underWay++
    try {
      if (!(await shrink(this.#room, handle, need.victim))) return
      this.#room.log.debug({ handle: handleText(handle), server: need.victim }, 'a surplus replica was removed')
      this.#noteNext(handle)
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      this.#room.log.warn({ handle: handleText(handle), err: reason }, 'a surplus replica was not removed')
    } finally {
      this.#underWay--
    }
  }
}
