// The kernel's side of a mount, as /sys shows it: how far it reads ahead, and
// the switch that ends the conversation.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Logger } from '../../../base/log.js'
import { second } from '../../../base/units.js'
import { readAheadKiB } from './limits.js'

/** Device numbers of the mount on this directory, "0:52"; undefined if there is none. The last one counts: it is on top. */
export function deviceOf(mountPoint: string, mountInfo: string): string | undefined {
  const lines = mountInfo.split('\n').map(line => line.split(' '))
  const mount = lines.filter(fields => fields[4] !== undefined && plain(fields[4]) === mountPoint).at(-1)
  return mount?.[2]
}

/** Where the kernel lists connections, once a file system of its own is mounted there: containers often lack it. */
const connections = '/sys/fs/fuse/connections'

/** One run of mount(8) for it. */
const listTimeoutMs = 2 * second

export class Connection {
  readonly #device: string | undefined
  readonly #log: Logger
  #isCut = false

  constructor(mountPoint: string, log: Logger) {
    this.#device = deviceOf(mountPoint, readFileSync('/proc/self/mountinfo', 'latin1'))
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

/** mountinfo has blanks and the like as "\040". */
function plain(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))
}
