// Gives the space of a part of a file back to the file system. Node has no call
// for that, so fallocate(1) of util-linux does it: some at a time, and not at
// all any more once the program is missing or the file system refuses.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Logger } from '../../base/log.js'
import { punchesAtOnceMax, punchTimeoutMs } from './limits.js'

export class HolePuncher {
  readonly #log: Logger
  readonly #program: string
  readonly #waiting: (() => void)[] = []
  #underWay = 0
  #refused = false

  /** For the files of one file system. `program` is another for tests. */
  constructor(log: Logger, program = 'fallocate') {
    this.#log = log
    this.#program = program
  }

  /**
   * Whether these bytes of the file are zeros now and take no space; the file is
   * as long as before. If not, some of them may be. Nobody else may change them
   * meanwhile: it resolves when nothing is under way any more. Never rejects.
   */
  async punch(path: string, offset: number, length: number): Promise<boolean> {
    while (this.#underWay >= punchesAtOnceMax) await new Promise<void>(wake => this.#waiting.push(wake))
    if (this.#refused) {
      this.#waiting.shift()?.()
      return false
    }
    this.#underWay++
    const failure = await this.#run(resolve(path), offset, length)
    this.#underWay--
    if (failure !== undefined && !this.#refused) {
      this.#refused = true
      this.#log.warn({ path, reason: failure }, 'holes are written as zeros: their space is not given back')
    }
    this.#waiting.shift()?.()
    return failure === undefined
  }

  /** Why not, if it failed. */
  async #run(path: string, offset: number, length: number): Promise<string | undefined> {
    const args = ['--punch-hole', '--offset', `${offset}`, '--length', `${length}`, path]
    const stdio = 'ignore'
    // Whatever mount we were started in, the child is not to wait for it.
    const child = spawn(this.#program, args, { stdio, cwd: '/', timeout: punchTimeoutMs, killSignal: 'SIGKILL' })
    try {
      const [code, signal] = await once(child, 'close')
      return code === 0 ? undefined : `${this.#program} ended with ${signal ?? code}`
    } catch (reason) {
      return (reason as Error).message
    }
  }
}
