// A client at one moment, for whoever asks what it does and what it waits for.

import { addressText } from '../wire/address.js'
import { waitsListedMax } from './limits.js'
import type { OpenInodes } from './open-inodes.js'
import type { Session } from './session.js'
import { listWaits, type Wait, type WaitSource } from './waits.js'
import type { WriteBehind } from './write-behind.js'

export interface ClientState {
  readonly clusterId: string
  readonly session: number
  /** HOST:PORT */
  readonly master: string
  readonly connected: boolean
  /** How long it has been so. */
  readonly standingMs: number
  /** How long nothing has been heard of the master, while connected. */
  readonly silentMs: number
  /** Why it is not connected, once an attempt has failed. */
  readonly reason?: string
  /** Taken from programs, and not yet applied by all replicas. */
  readonly dirtyBytes: number
  /** Taken from programs, and given up, since the client began. */
  readonly lostBytes: number
  /** Files with an error that no program has been told yet. */
  readonly errorsUntold: number
  readonly openInodes: number
  /** The oldest first; not all, if there are many. */
  readonly waits: readonly TimedWait[]
  readonly waitCount: number
}

/** With times from now. `leftMs`: until it is given up; absent: it waits for as long as it takes. */
export type TimedWait = Omit<Wait, 'since' | 'until'> & { readonly ageMs: number; readonly leftMs?: number }

export interface ClientParts {
  readonly session: Pick<Session, 'id' | 'clusterId' | 'standing'>
  readonly inodes: Pick<OpenInodes, 'all'>
  readonly behind: Pick<WriteBehind, 'dirtyBytes' | 'lostBytes'>
  readonly sources: readonly WaitSource[]
}

export function clientState({ session, inodes, behind, sources }: ClientParts, now: number): ClientState {
  const { master, connected, since, heardAt, reason } = session.standing
  const { waits, count } = listWaits(sources, waitsListedMax)
  const open = [...inodes.all()]
  return {
    clusterId: session.clusterId,
    session: session.id,
    master: addressText(master),
    connected,
    standingMs: between(since, now),
    silentMs: connected ? between(heardAt, now) : 0,
    ...(reason !== undefined && { reason }),
    dirtyBytes: behind.dirtyBytes,
    lostBytes: behind.lostBytes,
    errorsUntold: open.filter(({ writes }) => writes.hasError).length,
    openInodes: open.length,
    waits: waits.map(wait => timed(wait, now)),
    waitCount: count,
  }
}

function timed({ since, until, ...wait }: Wait, now: number): TimedWait {
  return { ...wait, ageMs: between(since, now), ...(until !== undefined && { leftMs: between(now, until) }) }
}

function between(earlier: number, later: number): number {
  return Math.max(0, Math.round(later - earlier))
}
