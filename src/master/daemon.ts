// A master, put together: its storage, the executor that changes it, the
// sessions of clients and of chunkservers, and the server they all come to.

import type { Clock } from '../base/clock.js'
import type { DataDirectory } from '../base/data-directory.js'
import type { Logger } from '../base/log.js'
import type { Random } from '../base/random.js'
import type { Trace } from '../base/trace.js'
import type { ControlNetwork, ControlServer } from '../rpc/control-network.js'
import type { Address } from '../wire/address.js'
import type { ClusterId, Ino } from '../wire/ids.js'
import { Chunks } from './chunks/chunks.js'
import { every } from './chunks/duty.js'
import type { Limits } from './chunks/repair/limits.js'
import { ClientSessions } from './clients/client-sessions.js'
import { Requests } from './clients/requests.js'
import { DiskWatch, diskWatchMs } from './disk-watch.js'
import { type Durability, Executor } from './executor.js'
import { FsckService } from './fsck/service.js'
import { goalHandler } from './goals.js'
import { checkMend } from './ops/mend.js'
import { checkStart, type Owner } from './ops/start.js'
import { StateServerTable } from './server-table.js'
import { backupHandler } from './snapshots/backup.js'
import { lookMs } from './snapshots/limits.js'
import { StateChunkTable } from './state-chunk-table.js'
import { StateNamespace } from './state-namespace.js'
import { openStorage, type Storage } from './storage.js'
import { purgeMs } from './trash/limits.js'
import { Purger } from './trash/purger.js'
import { trashHandlers } from './trash/service.js'

export interface MasterOptions {
  readonly dataDirectory: DataDirectory
  readonly listen: Address
  readonly network: ControlNetwork
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly trace?: Trace | undefined
  /** Replicas wanted of new files' chunks. */
  readonly goal: number
  /** How long a chunk lease lasts from its grant or extension. */
  readonly leaseMs: number
  /** How long a client session outlives its stream. */
  readonly sessionMs?: number | undefined
  /** What an answer must be safe from. */
  readonly durability: Durability
  /** How long deleted files are kept. 0: not at all. */
  readonly trashMs: number
  /** How many bytes of them. 0: as many as there is room for. */
  readonly trashBytesMax?: number
  /** How long servers that vanished, and those that said goodbye, are waited for before what they held is copied. */
  readonly repairDelayMs?: number
  readonly maintenanceMs?: number
  /** With fewer replicas a chunk takes no writes. */
  readonly minReplicas?: number
  /** How much is copied at a time. */
  readonly copyLimits?: Limits
  /** The directory is an older copy, and the newer one is gone: go on from here. */
  readonly recordsLost?: boolean
  /** A snapshot is taken when the journal has so much that is in none. */
  readonly snapshotBytes?: number | undefined
  /** Where the state is kept, if not in the data directory. */
  readonly storage?: (clusterId: ClusterId) => Promise<Storage>
}

export interface Master {
  /** Where it listens: the port is the one picked if 0 was asked for. */
  readonly address: Address
  readonly clusterId: ClusterId

  /** Stops serving, finishes what was begun, and makes it durable. Idempotent. */
  close(): Promise<void>
}

/**
 * Returns when the master serves.
 *
 * @throws LeasefsError ADDRESS_IN_USE, CORRUPT, NEWER_FORMAT, WRONG_CLUSTER, NO_SPACE, IO, INVALID_ARGUMENT
 */
export async function startMaster(options: MasterOptions): Promise<Master> {
  const clusterId = await clusterIdOf(options.dataDirectory, options.random)
  const { dataDirectory, clock, random, log } = options
  const storage = options.storage
    ? await options.storage(clusterId)
    : await openStorage({
        directory: dataDirectory.path,
        clusterId,
        clock,
        random,
        log,
        snapshotBytes: options.snapshotBytes,
      })
  try {
    return await serve(options, clusterId, storage)
  } catch (reason) {
    await storage.close()
    throw reason
  }
}

async function serve(options: MasterOptions, clusterId: ClusterId, storage: Storage): Promise<Master> {
  const { clock, random, log, trace, network, goal, leaseMs, sessionMs, durability, trashMs } = options
  const { state, journal, recordsLost } = storage
  let chunks: Chunks | undefined
  let sessions: ClientSessions | undefined
  let disk: DiskWatch | undefined

  const executor = new Executor({
    ...{ state, journal, clock, log, goal, durability, trash: trashMs > 0 },
    noGrowth: () => disk?.noGrowth,
    committed(change, origin) {
      if (change.kind === 'applied') chunks?.dropped(change.outcome.freed)
      return sessions?.committed(change, origin)
    },
  })
  const startId = random.uuid()
  await executor.submit((current, context) =>
    checkStart(current, processOwner(), recordsLost || options.recordsLost === true, context, startId),
  )
  await journal.sync() // Lease ids rest on the epoch, and numbers on what was lost: neither may come twice.
  storage.settleRecords()
  const watch = new DiskWatch({
    ...{ executor, journal, log, space: () => storage.space(), distrustState: () => storage.distrustState() },
    newestSnapshot: () => storage.snapshots?.newest?.index,
  })
  disk = watch

  const purger = new Purger({
    ...{ state, executor, clock, log, retentionMs: trashMs, bytesMax: options.trashBytesMax ?? 0 },
    shortage: () => chunks?.shortage() ?? 0,
  })
  const namespace = new StateNamespace(state, journal, () => sessions)
  chunks = new Chunks({
    ...{ clusterId, clock, random, log, trace, network, goal, leaseMs },
    table: new StateChunkTable(state, executor, journal),
    serverTable: new StateServerTable(state, executor),
    namespace,
    ...{ repairDelayMs: options.repairDelayMs, maintenanceMs: options.maintenanceMs, copyLimits: options.copyLimits },
    minReplicas: options.minReplicas,
    trash: () => purger.status(),
    disk: () => watch.status(),
  })
  const goals = goalHandler({ state, executor, namespace, goal, changed: () => chunks?.goalsChanged() })
  const recall = (ino: Ino) => void sessions?.invalidate(ino)
  const trash = trashHandlers({ state, executor, namespace, clock })
  const backup = backupHandler({ clusterId, snapshots: storage.snapshots, clock, log })
  const requests = new Requests({ state, executor, journal, chunks, goal, recall })
  sessions = new ClientSessions({ clusterId, state, executor, requests, sessionMs, clock, log })
  const fsck = new FsckService({
    ...{ room: chunks.room, network, snapshot: () => state.snapshot(), log },
    mend: async mend => (await executor.submit((now, context) => checkMend(now, mend, context))).kind === 'applied',
    hurry: () => chunks?.repairNow(),
  })
  const stop = new AbortController()
  const watching = every(diskWatchMs, clock, stop.signal, () => watch.step())
  const snapshotting = every(lookMs, clock, stop.signal, () => storage.snapshots?.look())
  const purging = every(purgeMs, clock, stop.signal, () => purger.step())

  const close = async (server?: ControlServer) => {
    stop.abort()
    sessions?.close()
    await fsck.close()
    await server?.close()
    await chunks?.close()
    await Promise.all([purging, snapshotting])
    await executor.close()
    await watching
    await storage.close()
  }
  try {
    const server = await network.serve(options.listen, [
      sessions.handler(),
      ...chunks.handlers(),
      goals,
      ...trash,
      backup,
      fsck.handler(),
    ])
    let closed: Promise<void> | undefined
    return {
      address: server.address,
      clusterId,
      close() {
        closed ??= close(server)
        return closed
      },
    }
  } catch (reason) {
    await close()
    throw reason
  }
}

/** The cluster's name, made at the first start. */
async function clusterIdOf(dataDirectory: DataDirectory, random: Random): Promise<ClusterId> {
  const known = dataDirectory.identity.clusterId
  if (known !== undefined) return known as ClusterId
  const clusterId = random.uuid() as ClusterId
  await dataDirectory.update({ clusterId })
  return clusterId
}

/** Who owns a new root directory: who runs the master. */
function processOwner(): Owner {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
}
