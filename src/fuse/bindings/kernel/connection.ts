// The kernel's side of a mount, as /sys shows it: how far it reads ahead, and
// the switch that ends the conversation.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { Logger } from '../../../base/log.js'
import { second } from '../../../base/units.js'
import { readAheadKiB } from './limits.js'

/** Where the kernel lists connections, once a file system of its own is mounted there: containers often lack it. */
const connections = '/sys/fs/fuse/connections'

/** One run of mount(8) for it. */
const listTimeoutMs = 2 * second

export class Connection {
  readonly #device: string | undefined
  readonly #log: Logger
  #isCut = false

  /** `device`: of the mount, as the mount table has it. */
  constructor(device: string | undefined, log: Logger) {
    this.#device = device
    this.#log = log
  }

  /** Has the kernel read ahead further than its default of 128 KiB. Where it does not let itself be told, things are slower. */
  raiseReadAhead(): void {
    this.#write(`/sys/class/bdi/${this.#device}/read_ahead_kb`, String(readAheadKiB))
  }

  /**
   * Whoever still uses the mount gets ENOTCONN; reading from the device ends.
   * It waits, so that it can be done while the process exits. False: it can't be done. Idempotent.
   */
  abort(): boolean {
    this.#isCut ||= this.#abort()
    return this.#isCut
  }

  #abort(): boolean {
    const minor = this.#device?.split(':')[1]
    if (minor === undefined) return false
    const path = `${connections}/${minor}/abort`
    if (this.#write(path, '1')) return true
    try {
      execFileSync('mount', ['-i', '-t', 'fusectl', 'fusectl', connections], {
        stdio: 'ignore',
        timeout: listTimeoutMs,
      })
    } catch (reason) {
      this.#log.debug({ err: reason }, 'the connections of the kernel can not be listed')
    }
    if (this.#write(path, '1')) return true
    this.#log.warn('the mount can not be cut off: it ends when no one uses it any more')
    return false
  }

  #write(path: string, text: string): boolean {
    try {
      writeFileSync(path, text)
      return true
    } catch (reason) {
      this.#log.debug({ err: reason }, 'not permitted or not there')
      return false
    }
  }
}
