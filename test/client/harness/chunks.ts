// Chunks and servers as the scripted parts of the tests know them.

import { deferred } from '../../../src/base/deferred.js'
import { LeasefsError } from '../../../src/base/errors.js'
import type { CommitOutcome } from '../../../src/client/commit-streams.js'
import type { LocatePurpose } from '../../../src/client/location-cache.js'
import { type LocatedChunk, locatedChunkFromWire, type ReplicaServer } from '../../../src/client/locations.js'
import type { Push, PushOutcome, ReadBytes, ReadRequest } from '../../../src/dataplane/data-plane.js'
import type { Address } from '../../../src/wire/address.js'
import type { ChunkLocation } from '../../../src/wire/gen/client.js'
import type { ServerAddress } from '../../../src/wire/gen/common.js'
import type { Commit } from '../../../src/wire/gen/mutation.js'
import type { Ino } from '../../../src/wire/ids.js'

/** Server N listens for control at port 1000 + N and for data at 2000 + N; all stand in one place. */
export function serverAddress(number: number): ServerAddress {
  return {
    serverId: `s${number}`,
    controlAddress: `127.0.0.1:${1000 + number}`,
    dataAddress: `127.0.0.1:${2000 + number}`,
    location: '/a/b/c',
  }
}

interface ChunkScript {
  readonly index: number
  readonly version?: number
  readonly leased?: boolean
  readonly servers?: readonly number[]
  readonly primary?: number
}

export function chunkLocation({
  index,
  version = 1,
  leased = true,
  servers = [1, 2, 3],
  primary,
}: ChunkScript): ChunkLocation {
  const first = primary ?? servers[0]
  const secondaries = servers.filter(server => server !== first).map(server => `s${server}`)
  return {
    index,
    handle: 100 + index,
    version,
    replicas: servers.map(serverAddress),
    lease: leased ? { leaseId: 1, primary: `s${first}`, secondaries, remainingMs: 60_000 } : undefined,
  }
}

/** Locations that a test sets; counts how often they were forgotten. */
export class ScriptedLocations {
  readonly asked: string[] = []
  forgotten = 0
  /** The next answers; the last one stays. */
  answers: (Partial<ChunkScript> | 'hole' | LeasefsError)[] = [{}]

  async locate(_ino: Ino, index: number, purpose: LocatePurpose): Promise<LocatedChunk> {
    this.asked.push(purpose)
    const [answer = {}] = this.answers
    if (this.answers.length > 1) this.answers.shift()
    if (answer instanceof LeasefsError) throw answer
    if (answer === 'hole') return { index, chunk: undefined }
    return locatedChunkFromWire(chunkLocation({ index, ...answer }), undefined, 0)
  }

  prefetch(): void {}

  forget(): void {
    this.forgotten++
  }

  /** Those who want to know when the master takes back what it said. */
  readonly watching = new Set<() => void>()

  watch(_ino: Ino, changed: () => void): () => void {
    this.watching.add(changed)
    return () => this.watching.delete(changed)
  }
}

export const failed = (
  code: ConstructorParameters<typeof LeasefsError>[0],
  missing: { client: number; counter: number }[] = [],
): CommitOutcome => ({
  ok: false,
  error: new LeasefsError(code, code),
  missing: missing as never,
})

/** Primaries that answer commits as a test says; each commit waits for its answer. */
export class ScriptedPrimaries {
  readonly commits: {
    readonly to: string
    readonly commit: Omit<Commit, 'number'>
    readonly answer: (outcome: CommitOutcome) => void
  }[] = []
  /** Answers at once if set. */
  outcome: ((commit: Omit<Commit, 'number'>) => CommitOutcome) | undefined = () => ({ ok: true })

  commit({ serverId }: ReplicaServer, commit: Omit<Commit, 'number'>): Promise<CommitOutcome> {
    const { promise, resolve } = deferred<CommitOutcome>()
    this.commits.push({ to: serverId, commit, answer: resolve })
    if (this.outcome) resolve(this.outcome(commit))
    return promise
  }

  /** Offset, length and counter of the data id of each write committed so far. */
  get writes(): { offset: number; length: number; counter: number | undefined }[] {
    return this.commits.flatMap(({ commit }) =>
      commit.mutations.flatMap(({ id, kind }) =>
        kind?.$case === 'write' ? [{ ...kind.value, counter: id?.counter }] : [],
      ),
    )
  }
}

/** A data plane that remembers what was pushed and reads as a test says. */
export class ScriptedData {
  readonly pushes: { readonly counter: number; readonly ports: number[]; readonly bytes: Buffer }[] = []
  readonly reads: { readonly port: number; readonly request: ReadRequest }[] = []
  pushOutcome: (push: Push) => PushOutcome = () => ({ ok: true })
  readFrom: (port: number, request: ReadRequest) => Buffer | LeasefsError = (_, { length }) => Buffer.alloc(length, 1)

  async push(push: Push): Promise<PushOutcome> {
    this.pushes.push({
      counter: push.id.counter,
      ports: push.chain.map(({ port }) => port),
      bytes: Buffer.concat(push.buffers),
    })
    return this.pushOutcome(push)
  }

  async read({ port }: Address, request: ReadRequest): Promise<ReadBytes> {
    this.reads.push({ port, request })
    await Promise.resolve()
    const bytes = this.readFrom(port, request)
    if (bytes instanceof LeasefsError) throw bytes
    return { buffers: [bytes], length: bytes.length, crc32: 0 }
  }

  close(): void {}
}
