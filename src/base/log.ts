// Structured log lines on stderr. The command line decides the level; rooms
// take a Logger and never make one.

import { destination, type Logger, pino } from 'pino'

export type { Logger }

/** A logger that writes NDJSON to stderr, each line at once: a crash loses none. */
export function openLog(name: string, level: string): Logger {
  return pino({ name, level, base: { name, pid: process.pid } }, destination({ fd: 2, sync: true }))
}

export const silentLog: Logger = pino({ level: 'silent' })
