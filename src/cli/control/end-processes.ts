// Ending the processes of a mount from outside it.

import { setTimeout as sleep } from 'node:timers/promises'
import { LeasefsError } from '../../base/errors.js'
import { busyPauseMs } from '../limits.js'
import { isAlive, type ProcessName } from './processes.js'
import { type FoundRecord, isServed } from './record.js'

/**
 * In order if they can within `graceMs`: one that was stopped is continued for that.
 *
 * @throws LeasefsError NOT_PERMITTED
 */
export async function endProcesses(record: FoundRecord, graceMs: number): Promise<void> {
  const { daemon, client } = record
  // The daemon first: it would replace the other.
  const processes = [daemon, client]
  for (const process of processes) send(process, 'SIGCONT', record)
  send(daemon, 'SIGTERM', record)
  const end = performance.now() + graceMs
  while (isServed(record) && performance.now() < end) await sleep(busyPauseMs)
  for (const process of processes) send(process, 'SIGKILL', record)
}

/** A number that is another process's by now gets no signal, nor does a process of another user. */
function send(target: ProcessName, signal: NodeJS.Signals, { uid }: FoundRecord): void {
  if (!isAlive(target, uid)) return
  try {
    process.kill(target.pid, signal)
  } catch (reason) {
    const { code, message } = reason as NodeJS.ErrnoException
    if (code !== 'ESRCH') throw new LeasefsError('NOT_PERMITTED', `process ${target.pid}: ${message}`)
  }
}
