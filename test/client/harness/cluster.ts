// A whole cluster in this process: a real master and real chunkservers over
// in-memory networks. What a test of the client needs when a script would only
// repeat what it hopes for.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { SystemClock } from '../../../src/base/clock.js'
import { openDataDirectory } from '../../../src/base/data-directory.js'
import { silentLog } from '../../../src/base/log.js'
import { SystemRandom } from '../../../src/base/random.js'
import { second } from '../../../src/base/units.js'
import { type Chunkserver, startChunkserver } from '../../../src/chunkserver/daemon.js'
import { MemoryStore } from '../../../src/chunkserver/store/memory-store.js'
import { type ConnectOptions, connectFileSystem } from '../../../src/client/connect.js'
import type { InodeFileSystem } from '../../../src/client/inode-file-system.js'
import { formatVersion } from '../../../src/constants.js'
import { MemoryByteNetwork } from '../../../src/dataplane/memory-network.js'
import { type Master, startMaster } from '../../../src/master/daemon.js'
import { MemoryControlNetwork } from '../../../src/rpc/memory-network.js'
import { parseLocation } from '../../../src/wire/location.js'

export interface Cluster {
  readonly control: MemoryControlNetwork
  readonly data: MemoryByteNetwork
  readonly master: Master
  readonly servers: readonly Chunkserver[]
  readonly settings: ConnectOptions
  /** Another client; closed with the test. */
  client(more?: Partial<ConnectOptions>): Promise<InodeFileSystem>
}

export async function startCluster(
  t: Test,
  { servers: count = 3, goal = 3, trashMs = 0, log = silentLog } = {},
): Promise<Cluster> {
  const clock = new SystemClock()
  const random = new SystemRandom()
  const control = new MemoryControlNetwork(clock)
  const data = new MemoryByteNetwork(clock)
  const local = { host: '127.0.0.1', port: 0 }
  const directory = await mkdtemp(join(tmpdir(), 'leasefs-client-'))
  // Taken down in reverse: clients before servers, servers before the master.
  const ends: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true })]
  t.teardown(async () => {
    for (const end of ends.reverse()) await end()
  })
  const open = (name: string, kind: 'master' | 'chunkserver') =>
    openDataDirectory(`${directory}/${name}`, kind, { formatVersion })

  const masterDirectory = await open('master', 'master')
  const master = await startMaster({
    ...{ dataDirectory: masterDirectory, listen: local, network: control, clock, random, log },
    ...{ goal, leaseMs: 60 * second, durability: 'process', trashMs },
  })
  ends.push(
    () => masterDirectory.close(),
    () => master.close(),
  )

  const servers: Chunkserver[] = []
  for (let number = 1; number <= count; number++) {
    const dataDirectory = await open(`server${number}`, 'chunkserver')
    const server = await startChunkserver({
      ...{ dataDirectory, store: new MemoryStore(), master: master.address, listen: local, dataListen: local },
      ...{ location: parseLocation(`/dc/rack${number}/host`), control, data, clock, random, log },
    })
    ends.push(
      () => dataDirectory.close(),
      () => server.close(),
    )
    await server.ready
    servers.push(server)
  }

  const settings = { master: master.address, control, data, clock, log }
  const client = async (more: Partial<ConnectOptions> = {}) => {
    const fileSystem = await connectFileSystem({ ...settings, ...more })
    ends.push(() => fileSystem.close().catch(() => {}))
    return fileSystem
  }
  return { control, data, master, servers, settings, client }
}
