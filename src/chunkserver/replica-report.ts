// What a server tells the master of its replicas when it has registered: all
// that are whole, with the leases it holds, in pieces.

import type { Replica as ReplicaMessage, ReplicaReport } from '../wire/gen/chunkserver.js'
import { reportReplicasMax } from './limits.js'
import type { PrimaryOrder } from './mutations/primary-order.js'
import type { Replica } from './replica.js'
import type { Replicas } from './replicas.js'
import type { Damage } from './scrub/damage.js'
import type { ChunkStore, StoredReplica } from './store/chunk-store.js'

/** The messages in order; the last one is marked. */
export function* reportMessages(
  store: ChunkStore,
  replicas: Replicas,
  damage: Pick<Damage, 'count'>,
  now: number,
): Iterable<ReplicaReport> {
  let pieces: ReplicaMessage[] = []
  for (const stored of store.list()) {
    const { handle, version } = stored
    if (version === 0 || replicas.isFailed(handle)) continue
    if (pieces.length === reportReplicasMax) {
      yield { replicas: pieces, last: false }
      pieces = []
    }
    pieces.push(replicaMessage(stored, replicas.known(handle), now, damage.count(handle)))
  }
  yield { replicas: pieces, last: true }
}

/** `replica`: if something has gone on with it lately. */
export function replicaMessage(
  { handle, version, length, doubtful }: StoredReplica,
  replica: Replica | undefined,
  now: number,
  damagedBlocks = 0,
): ReplicaMessage {
  const role = replica?.role
  const follows = role?.kind === 'secondary' && role.nextSerial > 0
  return {
    ...{ handle, version, length },
    ...leaseFields(role?.kind === 'primary' ? role.order : undefined, now),
    doubtful: replica?.isDoubtful ?? doubtful,
    followedLeaseId: follows ? role.leaseId : 0,
    damagedBlocks,
  }
}

function leaseFields(order: PrimaryOrder | undefined, now: number) {
  const leaseRemainingMs = order ? Math.floor(order.expiresAt - now) : 0
  if (!order || leaseRemainingMs <= 0) return { leaseId: 0, leaseRemainingMs: 0, secondaries: [] }
  return { leaseId: order.leaseId, leaseRemainingMs, secondaries: order.secondaryIds }
}
