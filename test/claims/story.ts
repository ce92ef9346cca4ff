// What the tests of the claims share: they write through a mount of real
// daemons, and tell from the traces of all processes what has happened.

import assert from 'node:assert/strict'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { KiB, MiB } from '../../src/base/units.js'
import { type Cluster, type Located, type TraceLine, until } from '../cluster/harness.js'

export type LocatedChunk = Located['chunks'][number]

/** One chunk and everything that was traced about it. */
export interface Story {
  readonly file: string
  readonly chunk: LocatedChunk
  readonly primary: string
  readonly secondaries: readonly string[]
  /** Events that name the chunk, or data that was committed to it; in order of time. */
  readonly events: readonly TraceLine[]
}

/** Writes a new file of one chunk, whole and on the disks, and returns its story. */
export async function writeFileStory(cluster: Cluster, name: string, length = 2 * MiB + 4 * KiB): Promise<Story> {
  const file = join(cluster.mountPoint, name)
  await writeThrough(file, Buffer.alloc(length, name))
  return tell(cluster, file)
}

export async function writeThrough(file: string, bytes: Buffer, position = 0): Promise<void> {
  const handle: FileHandle = await open(file, 'a').then(async made => {
    await made.close()
    return open(file, 'r+')
  })
  try {
    await handle.write(bytes, 0, bytes.length, position)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The story of a file's first chunk so far. */
export async function tell(cluster: Cluster, file: string): Promise<Story> {
  const [chunk] = (await cluster.locate(file)).chunks
  assert(chunk, `${file} has a chunk`)
  assert(chunk.lease, `chunk ${chunk.handle} is under a lease`)
  const { primary, secondaries } = chunk.lease
  await until('every replica has traced what it applied', () => {
    const applied = [primary, ...secondaries].map(
      server => serialsOf(cluster.events('apply.done'), chunk, server).length,
    )
    return applied.every(count => count > 0 && count === applied[0])
  })
  const trace = cluster.trace()
  const ids = new Set(trace.filter(({ handle }) => handle === chunk.handle).flatMap(dataIdsOf))
  const events = trace.filter(line => line.handle === chunk.handle || dataIdsOf(line).some(id => ids.has(id)))
  return { file, chunk, primary, secondaries, events }
}

export function dataIdsOf({ dataId, dataIds }: TraceLine): readonly string[] {
  return dataId === undefined ? ((dataIds as string[] | undefined) ?? []) : [dataId]
}

export function eventsOf(story: Story, event: string): TraceLine[] {
  return story.events.filter(line => line.event === event)
}

/** The data ids that were pushed for this chunk. */
export function pushesOf(story: Story): string[] {
  return eventsOf(story, 'push.start').flatMap(dataIdsOf)
}

/** In the order in which a server applied them. */
export function serialsOf(events: readonly TraceLine[], { handle }: { handle: string }, server: string): number[] {
  return events
    .filter(line => line.event === 'apply.done' && line.handle === handle && line.who === server)
    .map(({ serial }) => Number(serial))
}

/** Writes files until one has a primary that fits, which chance soon brings. */
export async function storyWith(cluster: Cluster, fits: (story: Story) => boolean): Promise<Story> {
  for (let i = 0; i < 60; i++) {
    const story = await writeFileStory(cluster, `file-${i}`)
    if (fits(story)) return story
  }
  throw new Error('none of 60 chunks has a primary that fits')
}

/** Where a server's bytes go in: its data address. */
export function dataAddressOf({ chunk }: Story, serverId: string): string {
  const replica = chunk.replicas.find(candidate => candidate.serverId === serverId)
  assert(replica, `${serverId} has a replica`)
  return replica.dataAddress
}

export function serverAt({ chunk }: Story, location: string): string {
  const replica = chunk.replicas.find(candidate => candidate.location === location)
  assert(replica, `a replica at ${location}`)
  return replica.serverId
}
