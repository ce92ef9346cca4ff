// The parts of a chunkserver between its servers and its store, and how they
// know one another.

import { LeasefsError } from '../base/errors.js'
import { createDataClient } from '../dataplane/data-client.js'
import type { DataClient } from '../dataplane/data-plane.js'
import type { ChunkHandle, ServerId } from '../wire/ids.js'
import { Commands } from './commands.js'
import { Copies } from './copies.js'
import type { ChunkserverOptions } from './daemon.js'
import { DiskWatch } from './disk-watch.js'
import { InOrder } from './in-order.js'
import { askBlockChecksums } from './levelling/block-checksums.js'
import { Leveller, type Source } from './levelling/leveller.js'
import type { MasterSession } from './master-session.js'
import { MasterWatch } from './master-watch.js'
import { Commits } from './mutations/commits.js'
import { SecondaryLinks } from './mutations/secondary-links.js'
import { PushBuffer } from './push-buffer.js'
import { Reads } from './reads.js'
import { Replicas } from './replicas.js'
import { Damage } from './scrub/damage.js'
import { Mender } from './scrub/mender.js'
import { nothingScrubbed } from './scrub/scrub-state.js'
import { Scrubber } from './scrub/scrubber.js'
import { ServerLease } from './server-lease.js'
import type { ChunkStore } from './store/chunk-store.js'

export interface Parts {
  readonly serverId: ServerId
  /** Empty while the server belongs to no cluster. */
  readonly clusterId: () => string
  readonly serverLease: ServerLease
  readonly data: PushBuffer
  readonly links: SecondaryLinks
  /** To other chunkservers, whose replicas ours are made equal to. */
  readonly peers: DataClient
  readonly disk: DiskWatch
  readonly scrubber: Scrubber
  readonly replicas: Replicas
  readonly commits: Commits
  readonly reads: Reads
  readonly commands: Commands
  readonly copies: Copies
  readonly damage: Damage
  readonly masterWatch: MasterWatch
  /** From here on commits are refused; those that have their place go on. */
  stopTakingCommits(): void
}

export async function assemble(
  { dataDirectory, clock, log, trace, control, data: dataNetwork, scrub }: ChunkserverOptions,
  serverId: ServerId,
  store: ChunkStore,
  session: () => MasterSession,
): Promise<Parts> {
  const clusterId = () => dataDirectory.identity.clusterId ?? ''
  const serverLease = new ServerLease()
  const data = new PushBuffer(clock)
  const links = new SecondaryLinks(() => ({ network: control, clock, self: { clusterId: clusterId(), serverId } }))
  const masterWatch = new MasterWatch({
    ...{ clock, log, seen: dataDirectory.identity.masterSeen },
    save: masterSeen => dataDirectory.update({ masterSeen }),
  })
  const disk = await DiskWatch.start(store, clock, log)
  let closing = false
  const replicas = new Replicas({
    ...{ store, data, links, clock, log, trace },
    refused: reason => disk.failed(reason),
    reportFailed: report => session().reportFailed(report),
    failed: (handle, wasPrimary) => session().replicaFailed(handle, wasPrimary),
    doubted: handle => session().replicaChanged(handle),
  })
  const damage = new Damage({ store, log, changed: handle => session().replicaChanged(handle) })
  const peers = createDataClient({ network: dataNetwork, clock, log, trace, self: () => serverId, clusterId })
  const ask = (source: Source, handle: ChunkHandle) => askBlockChecksums(control, clusterId(), source, handle)
  const mender = new Mender({ store, damage, data: peers, log })
  const leveller = new Leveller({ store, data: peers, ask })
  const freeBytes = () => disk.latest.freeBytes
  const inOrder = new InOrder<ChunkHandle>()
  const copies = new Copies({ store, replicas, leveller, clock, freeBytes, inOrder })
  const commits = new Commits({
    ...{ replicas, store, data, clock, serverLease },
    freeBytes,
    roomElsewhere: () => session().roomElsewhere,
    closing: () => closing,
  })
  const reads = new Reads({ store, replicas, serverLease, clock, log, damage })
  const gone = async (handle: ChunkHandle) => {
    const wasPrimary = replicas.known(handle)?.role.kind === 'primary'
    await inOrder.run(handle, async () => {
      if (!store.stat(handle) || (await store.inspect(handle)) !== 'gone') return
      await replicas.forget(handle, new LeasefsError('REPLICA_FAILED', 'the file of the replica is gone'))
      await store.forget(handle)
      session().replicaFailed(handle, wasPrimary)
    })
  }
  const scrubber = new Scrubber({
    ...{ store, replicas, damage, gone, clock, log },
    isBusy: () => reads.isBusy || data.usedBytes > 0,
    bytesPerSecond: scrub?.bytesPerSecond ?? 0,
    state: scrub?.state ?? { load: async () => nothingScrubbed, save: async () => {} },
  })
  return {
    ...{ serverId, clusterId, serverLease, data, links, peers, disk, replicas, commits, copies, masterWatch, damage },
    ...{ reads, scrubber },
    commands: new Commands({
      ...{ self: serverId, store, replicas, serverLease, clock, leveller, links, copies, inOrder, masterWatch, mender },
      ...{ scrubber, refused: (reason: LeasefsError) => disk.failed(reason) },
    }),
    stopTakingCommits: () => {
      closing = true
    },
  }
}
