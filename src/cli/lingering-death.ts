// The death of a process of which the system does not tell yet: it tells when
// the last of its threads is gone, and one that waits within the kernel can't be
// killed. A mount's worker may have such a thread, which waits for an answer that
// only the next worker will give; so that one must not wait for the other's end.

import { readFileSync } from 'node:fs'
import type { Exit } from './exit.js'
import { lingeringPollMs } from './limits.js'

/** Of the fields of /proc/PID/stat (proc(5)) that come after the name of the program. */
const stateField = 0
const exitCodeField = 49

/**
 * What a process died of, by its /proc/PID/stat; undefined: it has not. No
 * thread of one that has died runs any of its code.
 */
export function deathIn(stat: string): Exit | undefined {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(' ')
  if (fields[stateField] !== 'Z') return undefined
  const status = Number(fields[exitCodeField] ?? 0)
  // As wait(2) has it: the signal in the low bits, else the exit code above them.
  return (status & 0x7f) === 0 ? { code: (status >> 8) & 0xff, signal: null } : { code: null, signal: 'SIGKILL' }
}

/** Resolves when the process has been dead for a while, and is not gone all the same. Never, if `signal` aborts before. */
export function lingeringDeath(pid: number, signal: AbortSignal): Promise<Exit> {
  return new Promise(resolve => {
    let wasDead = false
    const timer = setInterval(() => {
      const death = deathOf(pid)
      if (death && wasDead) {
        clearInterval(timer)
        resolve(death)
      }
      wasDead = death !== undefined
    }, lingeringPollMs)
    signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  })
}

function deathOf(pid: number): Exit | undefined {
  try {
    return deathIn(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return undefined // It is gone.
  }
}
