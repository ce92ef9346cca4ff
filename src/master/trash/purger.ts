// The duty that empties the trash: of files whose time is up, and of the oldest
// when there are too many of them, or the chunkservers are nearly full.

import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import type { TrashStatus } from '../../wire/gen/admin.js'
import type { Ino } from '../../wire/ids.js'
import type { Executor } from '../executor.js'
import { checkPurge, purgedAtOnce, purgedAtOnceMax } from '../ops/purge.js'
import type { State } from '../state/state.js'
import { purgesPerStepMax, shortagePauseMs, trashFilesMax } from './limits.js'

export interface PurgerOptions {
  readonly state: State
  readonly executor: Executor
  readonly clock: Clock
  readonly log: Logger
  /** How long files are kept. 0: they are not. */
  readonly retentionMs: number
  /** What they may have stored, replicas not counted in. 0: as much as there is room for. */
  readonly bytesMax: number
  readonly filesMax?: number
  /** How many bytes the chunkservers lack, replicas counted in. */
  readonly shortage: () => number
}

/** What is too much, and how much of it the files found so far make good. */
interface Excess {
  files: number
  bytes: number
  /** Replicas counted in. */
  storedBytes: number
}

export class Purger {
  readonly #options: PurgerOptions
  /** Until then a shortage may be that of before. */
  #pausedUntil = 0

  constructor(options: PurgerOptions) {
    this.#options = options
  }

  status(): TrashStatus {
    const { state, retentionMs, bytesMax } = this.#options
    const { trashCount, trashBytes } = state.meta.current
    return { files: trashCount, bytes: trashBytes, retentionMs, bytesMax }
  }

  /** A duty. */
  async step(): Promise<void> {
    const { executor, clock, shortage, log } = this.#options
    let lacking = clock.now() < this.#pausedUntil ? 0 : shortage()
    for (let purges = 0; purges < purgesPerStepMax; purges++) {
      const { inos, storedBytes } = this.#due(lacking)
      if (inos.length === 0) return
      try {
        await executor.submit(state => checkPurge(state, inos))
      } catch (reason) {
        if (!(reason instanceof LeasefsError)) throw reason
        log.warn({ err: reason }, 'the trash was not purged')
        return
      }
      if (lacking === 0) continue
      log.info({ files: inos.length, lacking }, 'deleted files are purged early: the chunkservers are nearly full')
      this.#pausedUntil = clock.now() + shortagePauseMs
      lacking = Math.max(0, lacking - storedBytes)
    }
  }

  /** The oldest files, as many as must go; no more than one record purges. */
  #due(lacking: number): { readonly inos: Ino[]; readonly storedBytes: number } {
    const { state, clock, retentionMs, bytesMax, filesMax = trashFilesMax } = this.#options
    const { trashCount, trashBytes } = state.meta.current
    const over: Excess = {
      files: trashCount - filesMax,
      bytes: bytesMax === 0 ? 0 : trashBytes - bytesMax,
      storedBytes: lacking,
    }
    const expiredMs = Number(clock.wallNs() / 1_000_000n) - retentionMs
    const due: Ino[] = []
    for (const { deletedMs, ino } of state.trash.page(undefined, purgedAtOnceMax)) {
      const tooMuch = over.files > 0 || over.bytes > 0 || over.storedBytes > 0
      if (deletedMs > expiredMs && !tooMuch) break
      const { attributes, trash } = state.inodes.get(ino)
      const bytes = trash?.bytes ?? 0
      over.files--
      over.bytes -= bytes
      over.storedBytes -= bytes * attributes.goal
      due.push(ino)
    }
    const inos = purgedAtOnce(state, due)
    return { inos, storedBytes: lacking - over.storedBytes }
  }
}
