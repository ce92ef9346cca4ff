// Puts a client together: session, caches, data plane, write-behind.

import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Trace } from '../base/trace.js'
import type { ByteNetwork } from '../dataplane/byte-network.js'
import { createDataClient } from '../dataplane/data-client.js'
import type { ControlNetwork } from '../rpc/control-network.js'
import type { Address } from '../wire/address.js'
import type { Ino } from '../wire/ids.js'
import type { Location } from '../wire/location.js'
import { AccessTimes } from './access-times.js'
import { AppendTurns } from './append-turns.js'
import { ChunkExtents } from './chunk-extents.js'
import { ChunkReader } from './chunk-reader.js'
import { clientState } from './client-state.js'
import { CommitStreams } from './commit-streams.js'
import { FileReads, ReadCache } from './file-reads.js'
import { FileWrites } from './file-writes.js'
import { InodeFileSystem } from './inode-file-system.js'
import { LocationCache } from './location-cache.js'
import { Locks } from './locks.js'
import { Metadata } from './metadata.js'
import { Mutator } from './mutate.js'
import { OpenInode } from './open-inode.js'
import { OpenInodes } from './open-inodes.js'
import { resume } from './resume.js'
import { Session, type SessionListener } from './session.js'
import type { Survival } from './survival.js'
import { WriteBehind } from './write-behind.js'

/** Everything a client needs, with nothing left to default: see ConnectOptions for the meaning of each. */
export interface FileSystemOptions {
  readonly master: Address
  readonly control: ControlNetwork
  readonly data: ByteNetwork
  readonly clock: Clock
  readonly log: Logger
  readonly trace?: Trace | undefined
  readonly location?: Location | undefined
  readonly clusterId?: string | undefined
  readonly description: string
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly dirtyBytesMax: number
  readonly readCacheBytesMax: number
  /** Hears what another client has changed, after our own caches have dropped it: for the kernel's. */
  readonly survival?: Survival | undefined
  readonly onInvalidate?: ((inos: readonly Ino[] | 'all') => Promise<void> | void) | undefined
}

/** @throws LeasefsError UNAVAILABLE: no master answers there; WRONG_CLUSTER */
export async function openFileSystem(options: FileSystemOptions): Promise<InodeFileSystem> {
  const { clock, log, timeoutMs, survival } = options
  const session = await Session.open({ ...options, network: options.control })
  const who = () => `client:${session.id}`
  const data = createDataClient({
    network: options.data,
    clock,
    log,
    trace: options.trace,
    self: who,
    clusterId: () => session.clusterId,
  })
  const streams = new CommitStreams({ network: options.control, clock, session, trace: options.trace })
  const locations = new LocationCache({ session, clock, location: options.location, trace: options.trace })
  const mutator = new Mutator({ locations, streams, data, clock, timeoutMs })
  const chunks = new ChunkReader({ locations, data, session, clock, timeoutMs })
  const clusterId = () => session.clusterId
  const extents = new ChunkExtents({ network: options.control, locations, clusterId, clock, timeoutMs })
  const behind = new WriteBehind(clock, options.dirtyBytesMax)
  const cache = new ReadCache(options.readCacheBytesMax)
  const nextDataId = () => session.nextDataId()
  const metadata = new Metadata(session, ino => inodes.abandonedOpen(ino))

  const makeInode = (ino: Ino): OpenInode => {
    const reads = new FileReads(ino, chunks, cache)
    const changed = reads.changed.bind(reads)
    const writes = new FileWrites({ ino, behind, mutator, locations, metadata, nextDataId, clock, changed, survival })
    return new OpenInode({ ino, writes, reads, metadata, locations, extents, turns, nextDataId })
  }
  const closing = (inos: readonly Ino[]) => turns.closed(inos)
  const inodes: OpenInodes = new OpenInodes({ metadata, make: makeInode, log, clock, closing, survival })

  const settle = async (ino: Ino) => inodes.get(ino)?.writes.settle()
  const turns = new AppendTurns({ session, clock, log, timeoutMs, settle, survival })
  const locks = new Locks({ session, log, settle, survival })
  const accessTimes = new AccessTimes(metadata, clock, log)

  const caches = cachesOf({ metadata, locations, inodes, locks, turns, onInvalidate: options.onInvalidate, log })
  session.listen(caches)
  const close = async () => {
    streams.close()
    data.close()
    await session.close()
  }
  const cacheValidMs = () => session.cacheValidMs
  const inherited = survival?.inherited
  const lost = () => caches.reset(true)
  const resumed = inherited && (await resume({ inherited, session, inodes, locks, turns, log, lost }))
  const sources = [session, mutator, chunks, behind]
  const state = () => clientState({ session, inodes, behind, sources }, clock.now())
  const parts = { metadata, inodes, behind, locks, accessTimes, cacheValidMs }
  return new InodeFileSystem({ ...parts, who, state, close, resumed })
}

interface Caches {
  readonly metadata: Metadata
  readonly locations: LocationCache
  readonly inodes: OpenInodes
  readonly locks: Locks
  readonly turns: AppendTurns
  readonly onInvalidate: FileSystemOptions['onInvalidate']
  readonly log: Logger
}

/** Whatever is cached, dropped together. */
function cachesOf({ metadata, locations, inodes, locks, turns, onInvalidate, log }: Caches): SessionListener {
  return {
    invalidated(inos) {
      for (const ino of inos) {
        metadata.cache.drop(ino)
        locations.drop(ino)
        inodes.invalidated(ino)
      }
      turns.invalidated(inos)
      return onInvalidate?.(inos)
    },
    reset(lost) {
      metadata.cache.clear()
      locations.clear()
      inodes.reset(lost)
      turns.reset(lost)
      if (lost) locks.lost()
      return onInvalidate?.('all')?.catch(reason => log.warn({ err: reason }, 'caches were not dropped'))
    },
  }
}
