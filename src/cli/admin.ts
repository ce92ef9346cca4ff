// One question to a master, as `status` and `locate` ask it.

import { SystemClock } from '../base/clock.js'
import { LeasefsError } from '../base/errors.js'
import { silentLog } from '../base/log.js'
import type { Method } from '../rpc/control-network.js'
import { GrpcNetwork } from '../rpc/grpc-network.js'
import { type Address, addressText } from '../wire/address.js'
import { askTimeoutMs } from './limits.js'

/** @throws LeasefsError what the master says; UNAVAILABLE, naming the master, if it cannot be reached */
export async function askMaster<Request, Response>(
  master: Address,
  method: Method<Request, Response>,
  request: Request,
): Promise<Response> {
  const peer = new GrpcNetwork(new SystemClock(), silentLog).connect(master)
  try {
    return await peer.call(method, request, { timeoutMs: askTimeoutMs })
  } catch (reason) {
    const error = LeasefsError.from(reason)
    if (error.code !== 'UNAVAILABLE' && error.code !== 'TIMEOUT') throw error
    throw new LeasefsError('UNAVAILABLE', `master ${addressText(master)} is not reachable`, { cause: error })
  } finally {
    peer.close()
  }
}
