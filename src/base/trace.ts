// Protocol events as NDJSON, for people and for the tests of the claims
// (docs/PROTOCOL.md, "Trace events"). Off costs one undefined check: callers
// write `trace?.('push.acked', { … })`.

import { closeSync, openSync, writeSync } from 'node:fs'
import type { Clock } from './clock.js'

export const traceEvents = [
  'locate.ask',
  'locate.reply',
  'lease.grant',
  'lease.extend',
  'lease.expire',
  'lease.revoke',
  'version.raise',
  'push.start',
  'push.forward.first',
  'push.received',
  'push.acked',
  'commit.sent',
  'commit.received',
  'commit.reply',
  'apply.sent',
  'apply.received',
  'apply.done',
  'read.served',
] as const

export type TraceEvent = (typeof traceEvents)[number]

export interface TraceFields {
  /** Chunk handle, as 16 hex digits. */
  readonly handle?: string
  readonly version?: number
  readonly leaseId?: number
  /** "client:counter". */
  readonly dataId?: string
  readonly serial?: number
  /** Who sent it, who gets it: server ids, client session ids or addresses. */
  readonly from?: string
  readonly to?: string
  readonly bytes?: number
  readonly [more: string]: string | number | boolean | readonly string[] | undefined
}

export type Trace = (event: TraceEvent, fields: TraceFields) => void

/**
 * Appends to `path`. Each event is one write(2), so that several processes may
 * share a file and a killed process loses nothing.
 */
export function openTrace(path: string, clock: Clock, who: () => string): { trace: Trace; close: () => void } {
  const file = openSync(path, 'a')
  const trace: Trace = (event, fields) => {
    writeSync(file, `${JSON.stringify({ t: String(clock.wallNs()), who: who(), event, ...fields })}\n`)
  }
  return { trace, close: () => closeSync(file) }
}
