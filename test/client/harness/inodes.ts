// Inodes over a scripted master, scripted primaries and a scripted data plane.

import type { Test } from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { MiB } from '../../../src/base/units.js'
import { AppendTurns } from '../../../src/client/append-turns.js'
import { ChunkReader } from '../../../src/client/chunk-reader.js'
import { FileReads, ReadCache } from '../../../src/client/file-reads.js'
import { FileWrites } from '../../../src/client/file-writes.js'
import { LocationCache } from '../../../src/client/location-cache.js'
import { Metadata } from '../../../src/client/metadata.js'
import { Mutator } from '../../../src/client/mutate.js'
import { OpenInode } from '../../../src/client/open-inode.js'
import { OpenInodes } from '../../../src/client/open-inodes.js'
import type { Range } from '../../../src/client/ranges.js'
import type { Operation } from '../../../src/client/requests.js'
import { WriteBehind } from '../../../src/client/write-behind.js'
import type { Ino } from '../../../src/wire/ids.js'
import { chunkLocation, ScriptedData, ScriptedPrimaries } from './chunks.js'
import { attributesResult, done, type Scripted, ScriptedMaster } from './master.js'

/** A master with one file system of files that are `sizes` long; Written and SetAttributes change them. */
export function filesOf(sizes: Map<number, number>): (operation: Operation) => Scripted {
  const attributes = (ino: number) => attributesResult(ino, { size: sizes.get(ino) ?? 0 })
  return operation => {
    switch (operation.$case) {
      case 'getAttributes':
      case 'open':
        return attributes(operation.value.ino)
      case 'written':
        sizes.set(operation.value.ino, Math.max(sizes.get(operation.value.ino) ?? 0, operation.value.size))
        return attributes(operation.value.ino)
      case 'setAttributes':
        if (operation.value.size !== undefined) sizes.set(operation.value.ino, operation.value.size)
        return attributes(operation.value.ino)
      case 'make':
        return attributes(99)
      case 'locateChunks':
        return { $case: 'layout', value: { chunks: [chunkLocation({ index: operation.value.firstIndex })] } }
      default:
        return done
    }
  }
}

export async function startInodes(t: Test, sizes = new Map<number, number>()) {
  const master = await new ScriptedMaster().start()
  master.answer = filesOf(sizes)
  const { clock } = master
  const session = await master.session(t)
  const [streams, data] = [new ScriptedPrimaries(), new ScriptedData()]
  const locations = new LocationCache({ session, clock })
  const mutator = new Mutator({ locations, streams, data, clock, timeoutMs: 60_000 })
  const chunks = new ChunkReader({ locations, data, session, clock, timeoutMs: 60_000 })
  const behind = new WriteBehind(clock, 64 * MiB)
  t.teardown(() => behind.close())
  const cache = new ReadCache(64 * MiB)
  const metadata = new Metadata(session, ino => inodes.abandonedOpen(ino))
  const nextDataId = () => session.nextDataId()
  /** What each chunk says it has stored; a chunk that is not here is a hole. */
  const stored = new Map<number, readonly Range[]>()
  /** How long the replicas of each chunk are, and what was asked about that. */
  const tails = { lengths: new Map<number, number>(), asked: [] as string[] }
  const extents = {
    stored: async (_: Ino, index: number) => stored.get(index),
    async length(_: Ino, index: number) {
      tails.asked.push('length')
      return tails.lengths.get(index) ?? 0
    },
    async order() {
      tails.asked.push('order')
      return { leaseId: 1, serial: 5 }
    },
  }
  const make = (ino: Ino) => {
    const reads = new FileReads(ino, chunks, cache)
    const changed = reads.changed.bind(reads)
    const writes = new FileWrites({ ino, behind, mutator, locations, metadata, nextDataId, clock, changed })
    return new OpenInode({ ino, writes, reads, metadata, locations, extents, turns, nextDataId })
  }
  const closing = (inos: readonly Ino[]) => turns.closed(inos)
  const inodes: OpenInodes = new OpenInodes({ metadata, make, log: silentLog, clock, closing })
  const settle = async (ino: Ino) => inodes.get(ino)?.writes.settle()
  const turns = new AppendTurns({ session, clock, log: silentLog, timeoutMs: 60_000, settle })
  session.listen({
    invalidated(inos) {
      for (const ino of inos) {
        metadata.cache.drop(ino)
        locations.drop(ino)
        inodes.invalidated(ino)
      }
      turns.invalidated(inos)
    },
    reset(lost) {
      metadata.cache.clear()
      locations.clear()
      inodes.reset(lost)
      turns.reset(lost)
    },
  })
  /** Runs a call to its end. */
  const run = async <T>(call: Promise<T>): Promise<T> => {
    call.catch(() => {})
    for (let turn = 0; turn < 6; turn++) await master.settle()
    return call
  }
  /** What was asked of the master since the last time, locations apart. */
  const asked = () =>
    master.requests
      .splice(0)
      .flatMap(({ operation }) => (operation?.$case === 'locateChunks' ? [] : [operation?.$case]))
  return {
    master,
    clock,
    turns,
    session,
    streams,
    data,
    locations,
    behind,
    metadata,
    inodes,
    stored,
    tails,
    run,
    asked,
  }
}
