// Access times on their way to the master: told soon, waited for by no one, and
// shown at once to whoever asks this client. Reads that come while the time of
// the same inode is under way are told of together, and beyond a limit the
// oldest times are not told at all: they are not worth holding anything up.

import type { Clock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Ino } from '../wire/ids.js'
import { compareTimes, timestampOf } from './attributes.js'
import type { Attributes, Timestamp } from './file-system.js'
import { accessTimesInFlightMax, accessTimesPendingMax } from './limits.js'
import type { Metadata } from './metadata.js'

export class AccessTimes {
  readonly #metadata: Pick<Metadata, 'accessed'>
  readonly #clock: Clock
  readonly #log: Logger
  /** Not told yet; oldest first. */
  readonly #pending = new Map<Ino, Timestamp>()
  readonly #underWay = new Map<Ino, Timestamp>()

  constructor(metadata: Pick<Metadata, 'accessed'>, clock: Clock, log: Logger) {
    this.#metadata = metadata
    this.#clock = clock
    this.#log = log
  }

  /** The inode was read now. */
  note(ino: Ino): void {
    this.#pending.delete(ino)
    this.#pending.set(ino, timestampOf(this.#clock.wallNs()))
    const [oldest] = this.#pending.keys()
    if (oldest !== undefined && this.#pending.size > accessTimesPendingMax) this.#pending.delete(oldest)
    this.#send()
  }

  /** The time is being set: what was noted before does not count any more. */
  forget(ino: Ino): void {
    this.#pending.delete(ino)
    this.#underWay.delete(ino)
  }

  /** What the master says, with what it has not heard yet. */
  view(attributes: Attributes): Attributes {
    const { ino, atime } = attributes
    const noted = this.#pending.get(ino) ?? this.#underWay.get(ino)
    return noted && compareTimes(noted, atime) > 0 ? { ...attributes, atime: noted } : attributes
  }

  #send(): void {
    for (const [ino, atime] of this.#pending) {
      if (this.#underWay.size >= accessTimesInFlightMax) return
      if (this.#underWay.has(ino)) continue
      this.#pending.delete(ino)
      void this.#tell(ino, atime)
    }
  }

  async #tell(ino: Ino, atime: Timestamp): Promise<void> {
    this.#underWay.set(ino, atime)
    try {
      await this.#metadata.accessed(ino, atime)
    } catch (reason) {
      this.#log.debug({ ino, code: LeasefsError.from(reason).code }, 'an access time was not taken')
    }
    if (this.#underWay.get(ino) === atime) this.#underWay.delete(ino)
    this.#send()
  }
}
