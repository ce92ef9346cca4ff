// npm run torture -- --bars: how long programs wait when a chunkserver goes in
// the middle of their overwrites. Five programs, each on a mount of its own;
// all replicas are on three chunkservers, so each of these is of every chunk's.
//
// How fast a lost server's replicas are made again is measured by bench/repair.ts.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { table } from '../../src/cli/table.js'
import type { Daemon } from '../cluster/harness.js'
import type { Done, Order } from './overwriter.js'
import type { Stage } from './stage.js'

export const barServers = 3
export const barMounts = 5
/** What the programs have to do takes them so long if nothing happens; the fault comes in the middle. */
const workMs = 600
const faultAfterMs = workMs / 2
const calibrationCount = 40
const countMin = 10

interface Measured {
  readonly fault: 'SIGSTOP' | 'SIGKILL' | 'none'
  readonly server: string
  /** From the fault until the last program has done all its work. */
  readonly finishedMs: number
  readonly longestMs: number
}

export class Bars {
  readonly #stage: Stage
  readonly #programs: readonly ChildProcess[]
  readonly #measured: Measured[] = []

  constructor(stage: Stage) {
    this.#stage = stage
    const main = fileURLToPath(new URL('overwriter.js', import.meta.url))
    this.#programs = stage.cluster.mountPoints.map((directory, i) => fork(main, [join(directory, `file-${i + 1}`)]))
  }

  /** Each chunkserver is stopped, and killed, in turn; and all of it so many times. */
  async measure(rounds: number): Promise<void> {
    const { chunkservers } = this.#stage.cluster
    await this.#overwrite(calibrationCount)
    const begun = performance.now()
    await this.#overwrite(calibrationCount)
    const count = Math.max(countMin, Math.round((workMs * calibrationCount) / (performance.now() - begun)))
    for (let round = 0; round < rounds; round++) {
      await this.#during('none', undefined, count)
      for (const server of chunkservers) {
        await this.#during('SIGSTOP', server, count)
        await this.#during('SIGKILL', server, count)
      }
    }
  }

  async #during(fault: Measured['fault'], server: Daemon | undefined, count: number): Promise<void> {
    const working = this.#overwrite(count)
    await delay(faultAfterMs)
    const begun = performance.now()
    if (fault !== 'none') await server?.kill(fault)
    const longestMs = await working
    const finishedMs = performance.now() - begun
    this.#measured.push({ fault, server: server?.label ?? '', finishedMs, longestMs })
    if (fault === 'SIGSTOP') await server?.kill('SIGCONT')
    if (fault === 'SIGKILL') await server?.start()
    await this.#stage.becomesWhole()
  }

  /** All programs at once. Returns the longest that one overwrite took. */
  async #overwrite(count: number): Promise<number> {
    const order: Order = { count }
    const done = this.#programs.map(async program => {
      program.send(order)
      const [{ longestMs }] = (await once(program, 'message')) as [Done]
      return longestMs
    })
    return Math.max(...(await Promise.all(done)))
  }

  close(): void {
    for (const program of this.#programs) program.kill('SIGKILL')
  }

  get isGood(): boolean {
    return this.#measured.every(each => isMet(each))
  }

  text(): string {
    const rows = this.#measured.map(each => {
      const { fault, server, finishedMs, longestMs } = each
      const bar = fault === 'none' ? '' : fault === 'SIGSTOP' ? 'all finish within 4 s' : 'no write waits 0.5 s'
      return [fault, server, seconds(finishedMs), seconds(longestMs), bar, bar && (isMet(each) ? 'met' : 'MISSED')]
    })
    return table(['FAULT', 'OF', 'ALL FINISHED AFTER', 'LONGEST WRITE', 'BAR', ''], rows)
  }
}

const stopFinishedMsMax = 4000
const killLongestMsMax = 500

function isMet({ fault, finishedMs, longestMs }: Measured): boolean {
  if (fault === 'SIGSTOP') return finishedMs <= stopFinishedMsMax
  return fault === 'none' || longestMs < killLongestMsMax
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
