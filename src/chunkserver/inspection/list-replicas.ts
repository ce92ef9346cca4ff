// What is in the store, said a part at a time: the master compares it with
// what it knows (docs/PROTOCOL.md, "Checking").

import { LeasefsError } from '../../base/errors.js'
import type { ListedReplica, ListReplicasReply, ListReplicasRequest } from '../../wire/gen/mutation.js'
import { listedPartsMax } from '../limits.js'
import { failureFields, failureOf } from '../mutations/mutation-error.js'
import type { Replicas } from '../replicas.js'
import type { ChunkStore } from '../store/chunk-store.js'

export interface ListOptions {
  readonly store: Pick<ChunkStore, 'list' | 'missing' | 'strangers'>
  readonly replicas: Pick<Replicas, 'known' | 'isFailed'>
  readonly checkCluster: (clusterId: string) => void
}

/** Never rejects. */
export async function answerListReplicas(
  { store, replicas, checkCluster }: ListOptions,
  { clusterId, parts, part }: ListReplicasRequest,
): Promise<ListReplicasReply> {
  try {
    checkCluster(clusterId)
    if (!(parts > 0 && parts <= listedPartsMax && part < parts)) {
      throw new LeasefsError('INVALID_ARGUMENT', `no part ${part} of ${parts}`)
    }
    const listed: ListedReplica[] = []
    for (const { handle, version, length, doubtful } of store.list()) {
      if (handle % parts !== part) continue
      const failed = replicas.isFailed(handle)
      listed.push({ handle, version, length, doubtful: replicas.known(handle)?.isDoubtful ?? doubtful, failed })
    }
    const [missing, strangers] = part === 0 ? await Promise.all([store.missing(), store.strangers()]) : [[], []]
    return { failure: undefined, replicas: listed, missing: [...missing], strangers: [...strangers] }
  } catch (reason) {
    return { failure: failureFields(failureOf(reason)).failure, replicas: [], missing: [], strangers: [] }
  }
}
