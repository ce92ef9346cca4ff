// What stands between a chunk and a lease. Pure: decided from the journaled
// record and from where the replicas are.
//
// - Every replica of the version is there: one of them is granted the lease.
// - One is missing and its server may still be serving, or may be about to
//   report it: wait.
// - One is missing for good: the version is raised for the ones that are left,
//   so that the missing one is stale when it comes back.
//
// - They are all there, and may differ: the version is raised, and they are
//   made level by that.
//
// A version that was raised but never used (the master or the servers died in
// between) leaves replicas at several versions, all of which hold everything
// acknowledged: they too are raised to a new one.

import type { ServerId } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import type { Standing } from './servers.js'

export interface Member {
  readonly server: ServerId
  readonly version: number
  readonly standing: Standing
}

export interface PlanView {
  readonly record: ChunkRecord
  /** Every replica of the chunk that is known of. */
  readonly members: readonly Member[]
  /** Servers that have just failed to do their part: left out. */
  readonly excluded: ReadonlySet<ServerId>
  /** A server is reporting, or the master has not run long enough for all to have come. */
  readonly incomplete: boolean
  /** Replicas that missed no version may differ all the same. */
  readonly doubtful: boolean
  /** With fewer replicas the chunk takes no writes. */
  readonly minReplicas: number
}

export type LeasePlan =
  | { readonly kind: 'grant'; readonly servers: readonly ServerId[] }
  | { readonly kind: 'raise'; readonly members: readonly Member[] }
  | { readonly kind: 'wait' }
  /** There are too few to take writes: repair makes another one. */
  | { readonly kind: 'few' }
  /** No replica can serve. */
  | { readonly kind: 'none' }

export function planLease({ record, members, excluded, incomplete, doubtful, minReplicas }: PlanView): LeasePlan {
  const good = members.filter(member => isGood(record, member.version) && !excluded.has(member.server))
  const serving = good.filter(({ standing }) => standing === 'serving')
  const present = serving.filter(({ version }) => version === record.version)

  const settled = record.settledVersion === record.version
  if (settled && present.length === record.replicaCount && serving.length === present.length) {
    if (doubtful) return { kind: 'raise', members: present }
    if (present.length < Math.min(minReplicas, record.goal)) return { kind: 'few' }
    return { kind: 'grant', servers: present.map(({ server }) => server) }
  }
  if (incomplete) return { kind: 'wait' }
  if (good.some(({ standing }) => standing === 'silent' || standing === 'reporting')) return { kind: 'wait' }
  return serving.length > 0 ? { kind: 'raise', members: serving } : { kind: 'none' }
}

/** Whether a raise for these would leave most of the chunk's replicas behind. */
export function isMinority(record: ChunkRecord, members: readonly Member[]): boolean {
  return members.length * 2 < record.replicaCount
}

/** Whether a replica of this version holds everything that was acknowledged. */
export function isGood(record: ChunkRecord, version: number): boolean {
  return version >= record.settledVersion && version <= record.version
}
