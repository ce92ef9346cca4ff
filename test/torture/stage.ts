// The cluster of a run: every daemon in a network namespace of its own, every
// chunkserver on a small disk of its own.

import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { SystemClock } from '../../src/base/clock.js'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { orderChain } from '../../src/client/chain.js'
import type { ControlPeer, Method } from '../../src/rpc/control-network.js'
import { GrpcNetwork } from '../../src/rpc/grpc-network.js'
import { parseAddress } from '../../src/wire/address.js'
import type { LocatedChunk, StatusReply } from '../../src/wire/gen/admin.js'
import { MasterService } from '../../src/wire/gen/services.js'
import { handleText } from '../../src/wire/ids.js'
import { parseLocation } from '../../src/wire/location.js'
import { Cluster, type Daemon } from '../cluster/harness.js'
import type { Network, Party } from './network.js'
import { WorkProcess } from './work-process.js'

export interface StageOptions {
  /** What is done on the mounts is chosen by. */
  readonly seed: number
  /** Where everything is; in memory. */
  readonly directory: string
  /** How long the leases of chunks last. */
  readonly leaseMs: number
  readonly logLevel: string
  readonly trace: boolean
  readonly onLine: (label: string, line: string) => void
}

export const serverCount = 5
export const mountCount = 3
const goal = 3
const diskBytes = 192 * 2 ** 20
const dataStart = 24_576
const readBytesMax = 4 * 2 ** 20
const askTimeoutMs = 10_000
const attemptsMax = 8
/** More than any fault lasts: whoever gets an error has been let down. */
const mountTimeout = '60s'

/** The replicas of a chunk, as indexes of servers. */
export interface Roles {
  readonly primary: number
  readonly secondaries: readonly number[]
  /** The way that the data goes from a mount. */
  readonly chain: readonly number[]
}

export class Stage {
  readonly cluster: Cluster
  readonly network: Network
  readonly #directory: string
  /** Which uses the mounts. */
  readonly work: WorkProcess
  readonly #locations: readonly string[]
  #peer: ControlPeer | undefined

  private constructor(network: Network, parties: ReadonlyMap<string, Party>, options: StageOptions) {
    const { seed, directory, leaseMs, logLevel, trace, onLine } = options
    this.network = network
    this.#directory = directory
    this.#locations = Array.from({ length: serverCount }, (_, i) => `/here/rack-${i}/host-${i}`)
    for (let i = 0; i < serverCount; i++) {
      mkdirSync(this.diskOf(i))
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', this.diskOf(i)])
    }
    mkdirSync(join(directory, 'cluster'))
    this.cluster = new Cluster(join(directory, 'cluster'), {
      chunkservers: serverCount,
      mounts: mountCount,
      goal,
      leaseMs,
      logLevel,
      trace,
      onLine,
      locations: this.#locations,
      mountLocations: this.#locations.slice(0, mountCount),
      dataOf: i => join(this.diskOf(i), 'data'),
      place: label => {
        const party = parties.get(label)
        if (!party) throw new Error(`no place for ${label}`)
        return party
      },
      masterArgs: ['--repair-delay', '500ms'],
      mountArgs: ['--timeout', mountTimeout],
    })
    this.work = new WorkProcess(seed, this.cluster.mountPoints)
  }

  static async open(network: Network, options: StageOptions): Promise<Stage> {
    const parties = new Map<string, Party>()
    const servers = Array.from({ length: serverCount }, (_, i) => `chunkserver-${i + 1}`)
    const mounts = Array.from({ length: mountCount }, (_, i) => `mount-${i + 1}`)
    for (const name of ['master', ...servers, ...mounts]) parties.set(name, await network.party(name))
    const stage = new Stage(network, parties, options)
    await stage.cluster.start()
    await stage.work.ask('prepare')
    return stage
  }

  async close(): Promise<void> {
    this.#peer?.close()
    this.work.kill()
    await this.cluster.destroy()
    for (let i = 0; i < serverCount; i++) execFileSync('umount', [this.diskOf(i)])
    rmSync(this.#directory, { recursive: true })
  }

  /** The small file system that a chunkserver has to itself. */
  diskOf(i: number): string {
    return join(this.#directory, `disk-${i + 1}`)
  }

  server(i: number): Daemon {
    const server = this.cluster.chunkservers[i]
    if (!server) throw new Error(`no chunkserver ${i}`)
    return server
  }

  /** What is done on this mount may fail from now on, until it is back. */
  async killMount(i: number): Promise<void> {
    await this.work.ask('mountDies', i)
    await this.cluster.mounts[i]?.kill()
  }

  async startMount(i: number): Promise<void> {
    await this.cluster.mounts[i]?.start()
    await this.work.ask('mountIsBack', i)
  }

  /** All that should run does. */
  daemonsThatEnded(): string[] {
    const { master, chunkservers, mounts } = this.cluster
    return [master, ...chunkservers, ...mounts].filter(({ isRunning }) => !isRunning).map(({ label }) => label)
  }

  /** Who is who for a chunk of a file that has been written to: undefined if nobody holds its lease now. */
  async roles(path: string, mount: number): Promise<Roles | undefined> {
    const [chunk] = (await this.chunks(path)).filter(({ lease }) => lease)
    if (!chunk?.lease) return undefined
    const { primary, secondaries } = chunk.lease
    const servers = [primary, ...secondaries].map(serverId => {
      const index = this.#indexOf(serverId)
      return { serverId, index, location: parseLocation(this.#locations[index] ?? '') }
    })
    const from = parseLocation(this.#locations[mount] ?? '')
    const chain = orderChain(from, servers, chunk.handle).map(({ index }) => index)
    return { primary: this.#indexOf(primary), secondaries: servers.slice(1).map(({ index }) => index), chain }
  }

  async chunks(path: string): Promise<readonly LocatedChunk[]> {
    const file = { ino: 0, path: Buffer.from(path) }
    return (await this.#ask(MasterService.locate, file)).chunks
  }

  status(): Promise<StatusReply> {
    return this.#ask(MasterService.status, {})
  }

  /** An operator's word: what is missing is made now. */
  async repair(): Promise<void> {
    await this.#ask(MasterService.repair, { server: '' })
  }

  /** The replicas of the chunks of a file that count, and differ. */
  async differing(path: string): Promise<string[]> {
    const wrong: string[] = []
    for (const { handle, index, version, replicas } of await this.chunks(path)) {
      const current = replicas.filter(({ stale }) => !stale).map(({ server }) => this.#indexOf(server?.serverId ?? ''))
      const name = `${handleText(handle)}.chunk`
      const fileOn = (i: number) => join(this.cluster.dataOf(i), 'chunks', name.slice(14, 16), name)
      const [first = 0, ...others] = current
      const chunk = `${path}, chunk ${index}, version ${version}`
      for (const other of others) {
        const difference = await compare(fileOn(first), fileOn(other))
        if (difference) wrong.push(`${chunk}: on chunkserver-${first + 1} and chunkserver-${other + 1}: ${difference}`)
      }
      if (current.length < goal) wrong.push(`${chunk}: ${current.length} replicas`)
    }
    return wrong
  }

  #indexOf(serverId: string): number {
    const index = this.cluster.chunkservers.findIndex((_, i) => this.cluster.serverId(i) === serverId)
    if (index < 0) throw new Error(`no chunkserver is ${serverId}`)
    return index
  }

  /** Asked again for a while: the connection may have to be made anew first. */
  async #ask<Request, Response>(method: Method<Request, Response>, request: Request): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#master().call(method, request, { timeoutMs: askTimeoutMs })
      } catch (reason) {
        if (LeasefsError.from(reason).code !== 'UNAVAILABLE' || attempt === attemptsMax) throw reason
        await delay(attempt * 20)
      }
    }
  }

  #master(): ControlPeer {
    this.#peer ??= new GrpcNetwork(new SystemClock(), silentLog).connect(parseAddress(this.cluster.masterAddress))
    return this.#peer
  }
}

/** How the contents of two files of replicas differ. Large ones mostly consist of holes, and are read elsewhere. */
async function compare(one: string, other: string): Promise<string | undefined> {
  const { size } = await stat(one)
  const { size: otherSize } = await stat(other)
  if (size !== otherSize) return `${size} and ${otherSize} bytes`
  if (size > readBytesMax) return compareElsewhere(one, other)
  const content = (await readFile(one)).subarray(dataStart)
  const otherContent = (await readFile(other)).subarray(dataStart)
  if (content.equals(otherContent)) return undefined
  return `different from byte ${content.findIndex((byte, at) => byte !== otherContent[at])} on`
}

async function compareElsewhere(one: string, other: string): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)('cmp', [`--ignore-initial=${dataStart}`, one, other]).catch(
    reason => reason,
  )
  return stdout || undefined
}
