// The death of a process of which the system does not tell yet: it tells when
// the last of its threads is gone, and one that waits within the kernel can't be
// killed. A mount's worker may have such a thread, which waits for an answer that
// only the next worker will give; so that one must not wait for the other's end.

import type { Exit } from './exit.js'
import { lingeringPollMs } from './limits.js'
import { type ProcessStat, processStat } from './process-stat.js'

/** What a process died of; undefined: it has not. No thread of one that has died runs any of its code. */
export function deathIn({ state, waitStatus }: Pick<ProcessStat, 'state' | 'waitStatus'>): Exit | undefined {
  if (state !== 'Z') return undefined
  // The signal in the low bits, else the exit code above them.
  if ((waitStatus & 0x7f) === 0) return { code: (waitStatus >> 8) & 0xff, signal: null }
  return { code: null, signal: 'SIGKILL' }
}

/** Resolves when the process has been dead for a while, and is not gone all the same. Never, if `signal` aborts before. */
export function lingeringDeath(pid: number, signal: AbortSignal): Promise<Exit> {
  return new Promise(resolve => {
    let wasDead = false
    const timer = setInterval(() => {
      const stat = processStat(pid)
      const death = stat && deathIn(stat)
      if (death && wasDead) {
        clearInterval(timer)
        resolve(death)
      }
      wasDead = death !== undefined
    }, lingeringPollMs)
    signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  })
}
