// The question whether blocks of a replica are whole on the disk, as someone
// who looks after the cluster asks it.

import { LeasefsError } from '../../base/errors.js'
import type { VerifyBlocksReply, VerifyBlocksRequest } from '../../wire/gen/mutation.js'
import { checkHandle } from '../mutations/checked.js'
import { failureFields, failureOf } from '../mutations/mutation-error.js'
import type { Reads } from '../reads.js'
import { verifyBlocksMax } from '../store/chunk-store.js'

/** Never rejects. */
export async function answerVerifyBlocks(
  reads: Pick<Reads, 'verify'>,
  { clusterId, handle, version, first, end }: VerifyBlocksRequest,
  checkCluster: (clusterId: string) => void,
): Promise<VerifyBlocksReply> {
  try {
    checkCluster(clusterId)
    if (!(first < end && end - first <= verifyBlocksMax)) {
      throw new LeasefsError('INVALID_ARGUMENT', `blocks ${first} to ${end}: at most ${verifyBlocksMax} at a time`)
    }
    const { length, damaged } = await reads.verify({ handle: checkHandle(handle), version }, first, end)
    return { failure: undefined, length, damaged: [...damaged] }
  } catch (reason) {
    const { failure } = failureFields(failureOf(reason))
    return { failure, length: 0, damaged: [] }
  }
}
