// What /proc says of a process in a line, as proc(5) has it:
// "PID (NAME) STATE …". The name may have blanks and parentheses.

import { readFileSync } from 'node:fs'

export interface ProcessStat {
  /** One letter: Z has died, T is stopped. */
  readonly state: string
  /** In clock ticks since the machine was started. */
  readonly startTime: number
  /** What one that has died came to, as wait(2) has it. */
  readonly waitStatus: number
}

/** Of the fields behind the name. */
const [stateField, startTimeField, waitStatusField] = [0, 19, 49] as const

/** Undefined: there is no such process, or no /proc. */
export function processStat(pid: number): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return undefined
  }
}

export function parseStat(line: string): ProcessStat {
  const fields = line
    .slice(line.lastIndexOf(')') + 1)
    .trim()
    .split(' ')
  return {
    state: fields[stateField] ?? '',
    startTime: Number(fields[startTimeField]),
    waitStatus: Number(fields[waitStatusField] ?? 0),
  }
}
