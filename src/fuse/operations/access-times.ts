// When reading is noted in the access time.
//
// relatime, as Linux has it by default: a file that is read gets a new access
// time only if the old one is not later than its last change, or is a day old.
// So it is known whether a file was read since it was written, and reading a
// file again costs nothing.

import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import type { Attributes, FileSystem, Ino, Timestamp } from '../../client/file-system.js'

export type AtimePolicy = 'relatime' | 'noatime' | 'strictatime'

const daySeconds = 24 * 60 * 60

export class AccessTimes {
  readonly #fileSystem: FileSystem
  readonly #clock: Clock
  readonly #policy: AtimePolicy
  readonly #log: Logger

  constructor(fileSystem: FileSystem, clock: Clock, policy: AtimePolicy, log: Logger) {
    this.#fileSystem = fileSystem
    this.#clock = clock
    this.#policy = policy
    this.#log = log
  }

  /** Whether any reading is noted. */
  get areKept(): boolean {
    return this.#policy !== 'noatime'
  }

  /** Whether a read would change the access time. */
  isDue({ atime, mtime, ctime }: Pick<Attributes, 'atime' | 'mtime' | 'ctime'>): boolean {
    if (this.#policy !== 'relatime') return this.#policy === 'strictatime'
    const nowSeconds = Number(this.#clock.wallNs() / 1_000_000_000n)
    return !isLater(atime, mtime) || !isLater(atime, ctime) || nowSeconds - atime.seconds >= daySeconds
  }

  /** The inode was read. Nobody waits for what is done about it. */
  read(ino: Ino): void {
    if (!this.areKept) return
    this.#fileSystem.getAttributes(ino).then(
      attributes => {
        if (this.isDue(attributes)) this.#fileSystem.accessed(ino)
      },
      reason => this.#log.debug({ ino, code: LeasefsError.from(reason).code }, 'an access time was not noted'),
    )
  }
}

function isLater(a: Timestamp, b: Timestamp): boolean {
  return a.seconds > b.seconds || (a.seconds === b.seconds && a.nanos > b.nanos)
}
