// What all files of a client share for writing behind: the bound on dirty
// bytes, at which writers wait; the timer, after which dirty bytes are pushed
// though nobody asked; and the buffers.

import type { Clock } from '../base/clock.js'
import { BufferPool } from './buffer-pool.js'
import { writeBehindMs } from './limits.js'
import type { Wait, WaitSource } from './waits.js'

/** One file that has something dirty, as the timer and the bound see it. */
export interface DirtyFile {
  /** Memory held for bytes that have not been applied. */
  readonly dirtyBytes: number
  /** Since when bytes wait to be pushed, or what was applied to be reported to the master. */
  readonly waitingSince: number | undefined
  /** Something is on its way to the replicas, and will make room. */
  readonly isPushing: boolean
  /** Pushes and reports what waits. Errors are kept for whoever uses the file next. */
  pushBehind(): void
}

interface Waiter {
  readonly since: number
  readonly resolve: () => void
}

export class WriteBehind implements WaitSource {
  readonly pool = new BufferPool()
  readonly #clock: Clock
  readonly #dirtyBytesMax: number
  readonly #files = new Set<DirtyFile>()
  #waiters: Waiter[] = []
  #dirtyBytes = 0
  #lostBytes = 0
  #cancelTimer: (() => void) | undefined

  constructor(clock: Clock, dirtyBytesMax: number) {
    this.#clock = clock
    this.#dirtyBytesMax = dirtyBytesMax
  }

  get dirtyBytes(): number {
    return this.#dirtyBytes
  }

  /** Taken from programs, and given up: since the client began. */
  get lostBytes(): number {
    return this.#lostBytes
  }

  *waits(): Generator<Wait> {
    for (const { since } of this.#waiters) yield { what: 'write', waitsFor: 'room', since }
  }

  /** A file has given up what it held. Whoever uses it next hears why. */
  lost(bytes: number): void {
    this.#lostBytes += bytes
  }

  /**
   * Resolves when there is room for another write. Each write is bounded, so the
   * bound is passed by little. While anything is on its way that is waited for:
   * blocks that are still being filled are better pushed whole.
   */
  async room(): Promise<void> {
    if (this.#dirtyBytes < this.#dirtyBytesMax) return
    const since = this.#clock.now()
    while (this.#dirtyBytes >= this.#dirtyBytesMax) {
      const files = [...this.#files]
      if (!files.some(({ isPushing }) => isPushing)) for (const file of files) file.pushBehind()
      await new Promise<void>(resolve => this.#waiters.push({ since, resolve }))
    }
  }

  /** A file holds `bytesMore` more than before (or fewer). To be called whenever its state has changed. */
  changed(file: DirtyFile, bytesMore: number): void {
    this.#dirtyBytes += bytesMore
    if (file.dirtyBytes > 0 || file.waitingSince !== undefined) this.#files.add(file)
    else this.#files.delete(file)
    if (this.#dirtyBytes < this.#dirtyBytesMax) this.#letIn()
    if (this.#files.size > 0) this.#startTimer()
  }

  close(): void {
    this.#cancelTimer?.()
  }

  #letIn(): void {
    const waiters = this.#waiters
    if (waiters.length === 0) return
    this.#waiters = []
    for (const { resolve } of waiters) resolve()
  }

  #startTimer(): void {
    this.#cancelTimer ??= this.#clock.after(writeBehindMs / 2, () => {
      this.#cancelTimer = undefined
      const now = this.#clock.now()
      for (const file of [...this.#files]) {
        if (file.waitingSince !== undefined && now - file.waitingSince >= writeBehindMs) file.pushBehind()
      }
      if (this.#files.size > 0) this.#startTimer()
    })
  }
}
