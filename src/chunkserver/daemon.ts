// A chunkserver, put together: the store, what goes on in it, its two servers
// and its session with the master. Who opens something here closes it here, in
// reverse.

import type { Clock } from '../base/clock.js'
import type { DataDirectory } from '../base/data-directory.js'
import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Random } from '../base/random.js'
import type { Trace } from '../base/trace.js'
import type { ByteNetwork } from '../dataplane/byte-network.js'
import type { ReadRequest } from '../dataplane/data-plane.js'
import { serveData } from '../dataplane/data-server.js'
import { type ControlNetwork, stream, unary } from '../rpc/control-network.js'
import { type Address, addressText } from '../wire/address.js'
import { ChunkserverService } from '../wire/gen/services.js'
import type { ChunkHandle, DataId, ServerId } from '../wire/ids.js'
import { type Location, locationText } from '../wire/location.js'
import { answerListReplicas } from './inspection/list-replicas.js'
import { Verification } from './inspection/verify-replicas.js'
import { answerBlockChecksums } from './levelling/block-checksums.js'
import { drainMs } from './limits.js'
import { MasterSession } from './master-session.js'
import { serveApplies } from './mutations/apply-stream.js'
import { serveCommits } from './mutations/commit-stream.js'
import { assemble, type Parts } from './parts.js'
import { answerExtents } from './reads.js'
import type { Replicas } from './replicas.js'
import type { ScrubStateStore } from './scrub/scrub-state.js'
import type { ChunkStore } from './store/chunk-store.js'
import { startSweeping } from './sweeping.js'

export interface ChunkserverOptions {
  /** Open and locked. The caller closes it after the chunkserver. */
  readonly dataDirectory: DataDirectory
  /** Open. Closed with the chunkserver, also if that does not start. */
  readonly store: ChunkStore
  readonly master: Address
  readonly listen: Address
  readonly dataListen: Address
  readonly location: Location
  readonly control: ControlNetwork
  readonly data: ByteNetwork
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly trace?: Trace | undefined
  /** How replicas are verified that nobody reads. Absent: only when someone asks for it. */
  readonly scrub?: { readonly bytesPerSecond: number; readonly state: ScrubStateStore }
}

export interface Chunkserver {
  readonly serverId: ServerId
  readonly address: Address
  readonly dataAddress: Address
  /** Resolves when the server has registered with the master for the first time. */
  readonly ready: Promise<void>
  /** Resolves when it serves no more: with the reason, unless close() was called. */
  readonly closed: Promise<LeasefsError | undefined>
  /** Finishes what is under way, says goodbye, syncs. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts a chunkserver. It serves when the master has heard of it: see `ready`.
 *
 * @throws LeasefsError ADDRESS_IN_USE, INVALID_ARGUMENT, IO, NO_SPACE
 */
export async function startChunkserver(options: ChunkserverOptions): Promise<Chunkserver> {
  const { dataDirectory, random, store } = options
  try {
    const serverId = (dataDirectory.identity.serverId ?? random.uuid()) as ServerId
    if (dataDirectory.identity.serverId === undefined) await dataDirectory.update({ serverId })
    return await serve(options, serverId, store)
  } catch (reason) {
    await store.close()
    throw reason
  }
}

async function serve(options: ChunkserverOptions, serverId: ServerId, store: ChunkStore): Promise<Chunkserver> {
  const { clock, log, control, dataDirectory, random } = options
  const parts = await assemble(options, serverId, store, () => session)
  const { controlServer, dataServer } = await listen(options, parts, store)
  const session: MasterSession = new MasterSession({
    ...{ master: control.connect(options.master), clock, log, store, incarnation: random.uuid() },
    ...{ replicas: parts.replicas, commands: parts.commands, copies: parts.copies, links: parts.links },
    ...{ serverLease: parts.serverLease, masterWatch: parts.masterWatch, damage: parts.damage },
    clusterId: parts.clusterId,
    adopt: clusterId => dataDirectory.update({ clusterId }),
    server: {
      serverId,
      controlAddress: addressText(controlServer.address),
      dataAddress: addressText(dataServer.address),
      location: locationText(options.location),
    },
    space: () => parts.disk.latest,
    health: () => ({ scrub: parts.scrubber.status, disk: parts.disk.trouble }),
  })
  session.start()
  parts.scrubber.start()
  const sweeping = startSweeping(parts.replicas, clock, () => session.leaseMs)

  const close = async () => {
    parts.stopTakingCommits()
    const scrubbed = parts.scrubber.close()
    const drained = await drain(parts.replicas, clock)
    parts.serverLease.giveUp()
    session.close(drained)
    await parts.masterWatch.close()
    parts.links.close()
    parts.peers.close()
    await Promise.all([controlServer.close(), dataServer.close()])
    await parts.replicas.close(new LeasefsError('UNAVAILABLE', 'this server is stopping'))
    sweeping.stop()
    parts.disk.stop()
    await scrubbed
    parts.data.close()
    await store.close()
  }
  let closed: Promise<void> | undefined
  return {
    serverId,
    address: controlServer.address,
    dataAddress: dataServer.address,
    ready: session.ready,
    closed: session.closed,
    close: () => {
      closed ??= close()
      return closed
    },
  }
}

/** @throws LeasefsError ADDRESS_IN_USE, INVALID_ARGUMENT */
async function listen(options: ChunkserverOptions, parts: Parts, store: ChunkStore) {
  const { clock, log, trace } = options
  const { commits, replicas, serverLease, data, reads, clusterId, serverId } = parts
  const checkCluster = (asked: string) => checkSameCluster(asked, clusterId())
  const verification = new Verification({ replicas, reads, checkCluster })
  const appliedOf = (handle: ChunkHandle) => replicas.known(handle)?.applied.list() ?? []
  const controlServer = await options.control.serve(options.listen, [
    stream(ChunkserverService.mutate, served => serveCommits(served, { commits, clock, trace, checkCluster })),
    stream(ChunkserverService.applyMutations, served =>
      serveApplies(served, { replicas, serverLease, clock, trace, checkCluster }),
    ),
    unary(ChunkserverService.extents, request => answerExtents(reads, request, checkCluster)),
    unary(ChunkserverService.blockChecksums, request =>
      answerBlockChecksums(replica => reads.checksums(replica), appliedOf, request, checkCluster),
    ),
    unary(ChunkserverService.listReplicas, request => answerListReplicas({ store, replicas, checkCluster }, request)),
    unary(ChunkserverService.verifyReplicas, (request, { signal }) => verification.answer(request, signal)),
  ])
  try {
    const handler = {
      beginPush: (id: DataId, length: number) => data.beginPush(id, length),
      read: (request: ReadRequest) => reads.read(request),
    }
    const { data: network, dataListen } = options
    const self = () => serverId
    const dataServer = await serveData({ network, listen: dataListen, handler, clock, log, trace, self, clusterId })
    return { controlServer, dataServer }
  } catch (reason) {
    await controlServer.close()
    throw reason
  }
}

/** True if nothing is under way any more. */
async function drain(replicas: Replicas, clock: Clock): Promise<boolean> {
  const late = new AbortController()
  const outcomes = [replicas.drained().then(() => true), clock.sleep(drainMs, late.signal).then(() => false)]
  const drained = await Promise.race(outcomes.map(outcome => outcome.catch(() => false)))
  late.abort()
  return drained
}

/** @throws LeasefsError WRONG_CLUSTER, UNAVAILABLE (we belong to none yet) */
function checkSameCluster(asked: string, ours: string): void {
  if (ours === '') throw new LeasefsError('UNAVAILABLE', 'this server has not registered with its master yet')
  if (asked !== ours) throw new LeasefsError('WRONG_CLUSTER', `this server is of cluster ${ours}, not ${asked}`)
}
