// Open files without a name.
//
// libfuse finds the file of every request by its path, so before it unlinks,
// or replaces by a rename, a file that is open, it renames it to
// ".fuse_hidden" + 16 hex digits in the same directory, and unlinks that when
// the last handle is released. Here the file is unlinked at that rename, as it
// was meant to be: it leaves the directory, which can be removed, its link
// count falls, and the file system keeps the inode for those who have it
// open. Only this table still knows the hidden name.
//
// The directory itself stays until the last handle is released ("not empty"):
// once it were removed, libfuse would find no path for such a file, answer its
// reads with ENOENT, and hand the addon a flush without a path, which ends the
// process.

import { type Clock, SystemClock } from '../../../base/clock.js'
import type { Ino } from '../../../client/file-system.js'

const pattern = /^\.fuse_hidden[0-9a-f]{8}([0-9a-f]{8})$/

/** The last eight digits count up. A name that is further off was chosen by a person, not by libfuse. */
const counterStepMax = 64

/** Between close(2) and the release of the file, which nobody waits for. */
const releaseWaitMs = 500
const releasePollMs = 5

export class HiddenFiles {
  readonly #inos = new Map<string, Ino>()
  readonly #directories = new Map<string, Ino>()
  readonly #clock: Clock
  /** A file with several names can have lost several. */
  readonly #names = new Map<Ino, string[]>()
  #counter = 0

  constructor(clock: Clock = new SystemClock()) {
    this.#clock = clock
  }

  /** Whether this rename is libfuse's way to say that the file is to lose its name. */
  isHiding(fromDirectory: string, toDirectory: string, toName: string): boolean {
    const counter = counterOf(toName)
    if (counter === undefined || fromDirectory !== toDirectory || this.#inos.has(toName)) return false
    return Math.abs(counter - this.#counter) <= counterStepMax
  }

  hide(name: string, ino: Ino, directory: Ino): void {
    this.#inos.set(name, ino)
    this.#directories.set(name, directory)
    this.#names.set(ino, [...(this.#names.get(ino) ?? []), name])
    this.#counter = Math.max(this.#counter, counterOf(name) ?? 0)
  }

  inoOf(name: string): Ino | undefined {
    return this.#inos.size > 0 ? this.#inos.get(name) : undefined
  }

  get isEmpty(): boolean {
    return this.#inos.size === 0
  }

  /**
   * Whether a file that has lost its name in this directory stays open. A file
   * that was just closed is released a little later: that is waited for.
   */
  async staysIn(directory: Ino): Promise<boolean> {
    const end = this.#clock.now() + releaseWaitMs
    while ([...this.#directories.values()].includes(directory)) {
      if (this.#clock.now() >= end) return true
      await this.#clock.sleep(releasePollMs)
    }
    return false
  }

  /** The last handle was released: what libfuse unlinks now has no entry any more. */
  forget(ino: Ino): void {
    for (const name of this.#names.get(ino) ?? []) {
      this.#inos.delete(name)
      this.#directories.delete(name)
    }
    this.#names.delete(ino)
  }
}

function counterOf(name: string): number | undefined {
  const digits = pattern.exec(name)?.[1]
  return digits === undefined ? undefined : Number.parseInt(digits, 16)
}
