// Processes as /proc shows them. A number alone may have become another's: a
// process is named by its number and the time of its start.

import { readFileSync, statSync } from 'node:fs'
import { printable } from '../printable.js'
import { processStat } from '../process-stat.js'

export interface ProcessName {
  readonly pid: number
  /** In clock ticks since the machine was started; 0 where there is no /proc. */
  readonly startTime: number
}

/** The process of that number; undefined if there is none, or no /proc. */
export function processNamed(pid: number): ProcessName | undefined {
  const stat = processStat(pid)
  return stat && { pid, startTime: stat.startTime }
}

/** Whether the process has not ended, and belongs to `uid`. A zombie has ended. */
export function isAlive({ pid, startTime }: ProcessName, uid: number): boolean {
  const stat = processStat(pid)
  return stat?.startTime === startTime && stat.state !== 'Z' && ownerOf(pid) === uid
}

/** Whether it was stopped by a signal: it answers nothing before it is continued. */
export function isStopped({ pid }: ProcessName): boolean {
  const state = processStat(pid)?.state
  return state === 'T' || state === 't'
}

/** "dd", or "" if it has gone. */
export function commandOf(pid: number): string {
  try {
    return printable(readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd())
  } catch {
    return ''
  }
}

function ownerOf(pid: number): number | undefined {
  try {
    return statSync(`/proc/${pid}`).uid
  } catch {
    return undefined
  }
}
