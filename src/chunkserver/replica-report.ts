// What a server tells the master of its replicas when it has registered: all
// that are whole, with the leases it holds, in pieces.

import type { Replica as ReplicaMessage, ReplicaReport } from '../wire/gen/chunkserver.js'
import type { ChunkHandle } from '../wire/ids.js'
import { reportReplicasMax } from './limits.js'
import type { PrimaryOrder } from './mutations/primary-order.js'
import type { Replicas } from './replicas.js'
import type { ChunkStore } from './store/chunk-store.js'

/** The messages in order; the last one is marked. */
export function* reportMessages(store: ChunkStore, replicas: Replicas, now: number): Iterable<ReplicaReport> {
  const orders = heldOrders(replicas)
  let pieces: ReplicaMessage[] = []
  for (const { handle, version, length } of store.list()) {
    if (replicas.isFailed(handle)) continue
    if (pieces.length === reportReplicasMax) {
      yield { replicas: pieces, last: false }
      pieces = []
    }
    pieces.push({ handle, version, length, ...leaseFields(orders.get(handle), now) })
  }
  yield { replicas: pieces, last: true }
}

function heldOrders(replicas: Replicas): Map<ChunkHandle, PrimaryOrder> {
  const orders = new Map<ChunkHandle, PrimaryOrder>()
  for (const { handle, role } of replicas.primaries()) if (role.kind === 'primary') orders.set(handle, role.order)
  return orders
}

function leaseFields(order: PrimaryOrder | undefined, now: number) {
  const leaseRemainingMs = order ? Math.floor(order.expiresAt - now) : 0
  if (!order || leaseRemainingMs <= 0) return { leaseId: 0, leaseRemainingMs: 0, secondaries: [] }
  return { leaseId: order.leaseId, leaseRemainingMs, secondaries: order.secondaryIds }
}
