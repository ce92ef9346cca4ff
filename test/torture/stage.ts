// The cluster of a run: every daemon in a network namespace of its own, every
// chunkserver on a small disk of its own.

import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SystemClock } from '../../src/base/clock.js'
import { LeasefsError } from '../../src/base/errors.js'
import { silentLog } from '../../src/base/log.js'
import { GiB, MiB } from '../../src/base/units.js'
import { askFsck } from '../../src/cli/fsck.js'
import { orderChain } from '../../src/client/chain.js'
import type { ControlPeer, Method } from '../../src/rpc/control-network.js'
import { GrpcNetwork } from '../../src/rpc/grpc-network.js'
import { parseAddress } from '../../src/wire/address.js'
import { FsckOutcome, type LocatedChunk, type StatusReply } from '../../src/wire/gen/admin.js'
import { MasterService } from '../../src/wire/gen/services.js'
import { parseLocation } from '../../src/wire/location.js'
import { Cluster, type Daemon } from '../cluster/harness.js'
import type { Network, Party } from './network.js'
import { WorkProcess } from './work-process.js'

export interface StageOptions {
  readonly servers: number
  readonly mounts: number
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

const goal = 3
const diskBytes = 192 * MiB
const askTimeoutMs = 10_000
const attemptsMax = 8
/** More than any fault but the last one of a mount lasts: who waits for what a dead one had must not wait for too long. */
const sessionMs = 10_000
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
    const { servers, mounts, seed, directory, leaseMs, logLevel, trace, onLine } = options
    this.network = network
    this.#directory = directory
    this.#locations = Array.from({ length: servers }, (_, i) => `/here/rack-${i}/host-${i}`)
    for (let i = 0; i < servers; i++) {
      mkdirSync(this.diskOf(i))
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', this.diskOf(i)])
    }
    mkdirSync(join(directory, 'cluster'))
    this.cluster = new Cluster(join(directory, 'cluster'), {
      chunkservers: servers,
      mounts,
      goal,
      leaseMs,
      logLevel,
      trace,
      onLine,
      locations: this.#locations,
      mountLocations: this.#locations.slice(0, mounts),
      dataOf: i => join(this.diskOf(i), 'data'),
      place: label => {
        const party = parties.get(label)
        if (!party) throw new Error(`no place for ${label}`)
        return party
      },
      faults: true,
      masterArgs: ['--repair-delay', '500ms', '--session-ms', String(sessionMs)],
      mountArgs: ['--timeout', mountTimeout],
    })
    this.work = new WorkProcess(seed, this.cluster.mountPoints)
  }

  static async open(network: Network, options: StageOptions): Promise<Stage> {
    const parties = new Map<string, Party>()
    const labels = (kind: string, count: number) => Array.from({ length: count }, (_, i) => `${kind}-${i + 1}`)
    for (const name of ['master', ...labels('chunkserver', options.servers), ...labels('mount', options.mounts)])
      parties.set(name, await network.party(name))
    const stage = new Stage(network, parties, options)
    await stage.cluster.start()
    await stage.work.ask('prepare')
    return stage
  }

  async close(): Promise<void> {
    this.#peer?.close()
    this.work.kill()
    await this.cluster.destroy()
    for (const i of this.cluster.chunkservers.keys()) execFileSync('umount', [this.diskOf(i)])
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
  async killMount(i: number, withWorker: boolean): Promise<void> {
    await this.work.ask('mountDies', i)
    const mount = this.cluster.mounts[i]
    const worker = mount?.workerPid
    const killed = mount?.kill()
    if (withWorker && worker !== undefined) process.kill(worker, 'SIGKILL')
    await killed
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

  /** All chunkservers verify all they have, as fast as they can, from now on. */
  async scrub(): Promise<void> {
    await this.#ask(MasterService.scrub, { server: '', bytesPerSecond: GiB })
  }

  status(): Promise<StatusReply> {
    return this.#ask(MasterService.status, {})
  }

  /** Resolves when all servers are there and no replica is missing: what is missing is made now, at an operator's word. */
  async becomesWhole(): Promise<void> {
    await this.#ask(MasterService.repair, { server: '' })
    while (true) {
      const { chunksBelowGoal, servers } = await this.status()
      if (chunksBelowGoal === 0 && servers.every(({ connected }) => connected)) return
      await delay(50)
    }
  }

  /**
   * What `leasefs fsck --deep` finds, less what goes away by itself: nothing differs, nothing is missing.
   */
  async fsck(): Promise<string[]> {
    const request = { deep: true, repair: false, missingOnly: false }
    for (let attempt = 1; ; attempt++) {
      const checked = await askFsck(parseAddress(this.cluster.masterAddress), request, undefined).catch(reason => {
        if (LeasefsError.from(reason).code !== 'UNAVAILABLE' || attempt === attemptsMax) throw reason
      })
      // A server, or the master, may not have found out yet that all is well again.
      if (!checked || (checked.done.incomplete.length > 0 && attempt < attemptsMax)) {
        await delay(attempt * 100)
        continue
      }
      const { findings, done } = checked
      const { incomplete } = done
      const left = findings.filter(({ outcome }) => outcome === FsckOutcome.FSCK_LEFT)
      return [...left.map(({ kind, text, path }) => `${kind}: ${text} [${path}]`), ...incomplete]
    }
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
