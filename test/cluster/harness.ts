// A cluster of real processes for a test: the programs of bin/, started as a
// person would start them, in a directory that goes with the test.
//
// Whatever happens, nothing is left behind: the processes are stopped and the
// mounts taken away when the test ends, and if the test itself is killed, the
// processes notice the end of their standard input. Every wait has a limit, and
// says on what it waited.

import { execFileSync } from 'node:child_process'
import {
  accessSync,
  chownSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { askMaster } from '../../src/cli/admin.js'
import { Child, type DaemonName } from '../../src/cli/child.js'
import { type Exit, exitText } from '../../src/cli/exit.js'
import { fileQuestion } from '../../src/cli/file-argument.js'
import { locateJson } from '../../src/cli/locate.js'
import { statusFields, statusJson } from '../../src/cli/status.js'
import { listMounts, mountAt } from '../../src/fuse/mount-table.js'
import { unmountLazily } from '../../src/fuse/unmount.js'
import { parseAddress } from '../../src/wire/address.js'
import { MasterService } from '../../src/wire/gen/services.js'
import type { Located, Status, TraceLine } from './answers.js'
import { nodeAs, plainNode } from './programs.js'

export * from './answers.js'
export * from './programs.js'

export interface ClusterOptions {
  readonly chunkservers?: number
  /** Of the chunkservers, in order: "/dc/rack/host". */
  readonly locations?: readonly string[]
  readonly goal?: number
  readonly leaseMs?: number
  /** How long deleted files are kept: not at all unless it says so. */
  readonly trash?: string
  readonly mounts?: number
  readonly mountLocations?: readonly string[]
  /** Where each daemon runs, by its label: the host it listens on, and what runs it there. Here, unless it says so. */
  readonly place?: (label: string) => { readonly host: string; readonly command: readonly [string, ...string[]] }
  /** The data directory of a chunkserver, from 0: chunkserver-1 and so on, unless it says so. */
  readonly dataOf?: (i: number) => string
  /** Whether protocol events are written to `trace`: they are. */
  readonly trace?: boolean
  /** What is logged. */
  readonly logLevel?: string
  /** Gets each line that a daemon prints. */
  readonly onLine?: (label: string, line: string) => void
  /** The master's data directory is a disk of its own, of so many bytes: for that the test must run as root. */
  readonly masterDiskBytes?: number
  /** Who runs all this, if not the user of the test: for that the test must run as root. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** More arguments for each kind of daemon. */
  readonly masterArgs?: readonly string[]
  readonly chunkserverArgs?: readonly string[]
  readonly mountArgs?: readonly string[]
  /** Disks of chunkservers fail as setFaults() says. */
  readonly faults?: boolean
}

/** Where nothing can be mounted, a test has nothing to say: pass this as `skip`. */
export const cannotMount: string | false = (() => {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK)
    return false
  } catch {
    return '/dev/fuse is not usable here'
  }
})()

/** If the test process is killed. */
const exitWithParentMs: Readonly<Record<DaemonName, number>> = {
  'leasefs-mount': 0,
  'leasefs-chunkserver': 1000,
  'leasefs-master': 1500,
}

/** One daemon, over any number of starts. */
export class Daemon {
  readonly label: string
  readonly #program: DaemonName
  /** Given what the daemon said when it was ready the last time, so that it comes back under the same address. */
  readonly #args: (lastReady: string | undefined) => readonly string[]
  readonly #command: readonly [string, ...string[]]
  readonly #onLine: (line: string) => void
  #child: Child | undefined
  #ready: string | undefined

  constructor(
    label: string,
    program: DaemonName,
    args: (lastReady: string | undefined) => readonly string[],
    command: readonly [string, ...string[]] = plainNode,
    onLine: (line: string) => void = () => {},
  ) {
    this.label = label
    this.#program = program
    this.#args = args
    this.#command = command
    this.#onLine = onLine
  }

  /** What followed "ready, " the last time. */
  get ready(): string {
    if (this.#ready === undefined) throw new Error(`${this.label} has not been ready yet`)
    return this.#ready
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  get isRunning(): boolean {
    return this.#child?.isRunning ?? false
  }

  /** Of a mount: the child of the keeper, which does all the work; undefined while there is none. */
  get workerPid(): number | undefined {
    const [worker] = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim().split(' ')
    return worker ? Number(worker) : undefined
  }

  async start(): Promise<void> {
    const args = this.#args(this.#ready)
    this.#child = new Child({
      label: this.label,
      program: this.#program,
      args,
      exitWithParentMs: exitWithParentMs[this.#program],
      onLine: this.#onLine,
      command: this.#command,
    })
    try {
      this.#ready = await this.#child.ready
    } catch (reason) {
      throw new Error(`${(reason as Error).message}\n${this.lastLines}`, { cause: reason })
    }
  }

  /** As a person ends it. @throws if it does not end with exit code 0 */
  async stop(): Promise<void> {
    const exit = await this.#child?.stop()
    if (exit && exit.code !== 0) throw new Error(`${this.label}: ${exitText(exit)}\n${this.lastLines}`)
  }

  /** SIGKILL, unless told otherwise, and waits for the end if the signal ends it. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit | undefined> {
    this.#child?.kill(signal)
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') return undefined
    return this.#child?.exited
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  get lastLines(): string {
    return this.#child?.lastLines.map(line => `  ${this.label} | ${line}`).join('\n') ?? ''
  }
}

export class Cluster {
  /** Of everything: master/, chunkserver-N/, mnt-N/, trace. */
  readonly directory: string
  readonly master: Daemon
  readonly chunkservers: readonly Daemon[]
  readonly mounts: readonly Daemon[]
  readonly mountPoints: readonly string[]
  readonly #masterDisk: boolean
  readonly #dataOf: (i: number) => string

  constructor(directory: string, options: ClusterOptions) {
    this.directory = directory
    this.#dataOf = options.dataOf ?? (i => join(directory, `chunkserver-${i + 1}`))
    const {
      chunkservers = 3,
      mounts = 1,
      goal = 3,
      leaseMs,
      trash = '0',
      locations = [],
      mountLocations = [],
    } = options
    const { masterArgs = [], chunkserverArgs = [], mountArgs = [], user } = options
    const { trace = true, logLevel = 'warn', onLine = () => {} } = options
    const common = [...(trace ? ['--trace', join(directory, 'trace')] : []), '--log-level', logLevel]
    const here = { host: '127.0.0.1', command: user ? nodeAs(user) : plainNode }
    const { place = () => here } = options
    const daemon = (label: string, program: DaemonName, args: (ready: string | undefined) => readonly string[]) =>
      new Daemon(label, program, args, place(label).command, line => onLine(label, line))
    const count = (n: number) => Array.from({ length: n }, (_, i) => i)

    const masterOptions = (ready: string | undefined) => [
      ...['--data', join(directory, 'master'), '--goal', String(goal), '--trash', trash, ...common],
      ...['--listen', addressIn(ready, 'listening on') ?? `${place('master').host}:0`],
      ...(leaseMs === undefined ? [] : ['--lease-ms', String(leaseMs)]),
      ...masterArgs,
    ]
    this.master = daemon('master', 'leasefs-master', masterOptions)
    this.chunkservers = count(chunkservers).map(i => {
      const label = `chunkserver-${i + 1}`
      const args = (ready: string | undefined) => [
        ...['--data', this.dataOf(i), '--master', this.masterAddress, ...common],
        ...['--listen', addressIn(ready, 'listening on') ?? `${place(label).host}:0`],
        ...['--data-listen', addressIn(ready, 'data on') ?? `${place(label).host}:0`],
        ...labelArgs(locations[i]),
        ...(options.faults ? ['--test-faults', this.#faultsOf(i)] : []),
        ...chunkserverArgs,
      ]
      return daemon(label, 'leasefs-chunkserver', args)
    })
    this.mountPoints = count(mounts).map(i => join(directory, `mnt-${i + 1}`))
    this.mounts = this.mountPoints.map((mountPoint, i) => {
      const args = () => [
        ...[mountPoint, '--master', this.masterAddress, ...common],
        ...labelArgs(mountLocations[i]),
        ...mountArgs,
      ]
      return daemon(`mount-${i + 1}`, 'leasefs-mount', args)
    })
    for (const mountPoint of this.mountPoints) mkdirSync(mountPoint)
    if (options.masterDiskBytes) mountMemory(this.masterData, options.masterDiskBytes)
    this.#masterDisk = options.masterDiskBytes !== undefined
    if (user) for (const path of [directory, ...this.mountPoints]) chownSync(path, user.uid, user.gid)
  }

  /** Of the first mount. */
  get mountPoint(): string {
    const [first] = this.mountPoints
    if (first === undefined) throw new Error('this cluster has no mount')
    return first
  }

  get masterAddress(): string {
    const address = addressIn(this.master.ready, 'listening on')
    if (address === undefined) throw new Error(`no address in "${this.master.ready}"`)
    return address
  }

  get masterData(): string {
    return join(this.directory, 'master')
  }

  /** The data directory of a chunkserver, from 0. */
  dataOf(i: number): string {
    return this.#dataOf(i)
  }

  /**
   * What happens to the disk of a chunkserver from now on (docs/TESTING.md, "Disks that fail"); {}: nothing. Stays so
   * when it is restarted.
   */
  setFaults(i: number, plan: object): void {
    const file = this.#faultsOf(i)
    writeFileSync(`${file}.new`, JSON.stringify(plan))
    renameSync(`${file}.new`, file)
  }

  #faultsOf(i: number): string {
    return join(this.directory, `faults-${i + 1}.json`)
  }

  /** The server id of a chunkserver, from 0. */
  serverId(i: number): string {
    return /server ([^,]+)/.exec(this.chunkservers[i]?.ready ?? '')?.[1] ?? ''
  }

  async start(): Promise<void> {
    await this.master.start()
    await Promise.all(this.chunkservers.map(server => server.start()))
    await Promise.all(this.mounts.map(mount => mount.start()))
  }

  /** Takes all down as a person would, in order. @throws if one does not end cleanly */
  async stop(): Promise<void> {
    for (const daemons of [this.mounts, this.chunkservers, [this.master]]) {
      await Promise.all(daemons.filter(daemon => daemon.isRunning).map(daemon => daemon.stop()))
    }
  }

  /** What `leasefs status --json` prints, without a process of its own: tests ask again and again. */
  async status(): Promise<Status> {
    const reply = await askMaster(parseAddress(this.masterAddress), MasterService.status, {})
    return JSON.parse(statusJson(statusFields(reply)))
  }

  /** What `leasefs locate --json` prints of a file on one of the mounts. */
  async locate(file: string): Promise<Located> {
    const question = await fileQuestion(file, undefined)
    return JSON.parse(locateJson(file, await askMaster(question.master, MasterService.locate, question.file)))
  }

  /** The events of all processes so far, in order of time. */
  trace(): TraceLine[] {
    const lines = readFileSync(join(this.directory, 'trace'), 'utf8').trimEnd().split('\n')
    const events = lines.filter(Boolean).map(line => JSON.parse(line))
    return events.map(event => ({ ...event, t: BigInt(event.t) })).sort((a, b) => (a.t < b.t ? -1 : a.t > b.t ? 1 : 0))
  }

  /** Events of one kind, so far. */
  events(event: string): TraceLine[] {
    return this.trace().filter(line => line.event === event)
  }

  /** Ends everything, politely only to the mounts, and removes the directory. */
  async destroy(): Promise<void> {
    const all = [...this.chunkservers, this.master]
    for (const daemon of [...this.mounts, ...all]) await daemon.kill('SIGCONT')
    await Promise.allSettled(this.mounts.map(mount => mount.stop()))
    await Promise.all(all.map(daemon => daemon.kill()))
    for (const mountPoint of this.mountPoints) {
      if (mountAt(mountPoint, await listMounts())) await unmountLazily(mountPoint)
    }
    if (this.#masterDisk) await unmountLazily(this.masterData)
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** A running cluster that ends with the test. */
export async function startCluster(t: Test, options: ClusterOptions = {}): Promise<Cluster> {
  const cluster = new Cluster(temporaryDirectory(), options)
  t.teardown(() => cluster.destroy())
  await cluster.start()
  return cluster
}

/** In memory where there is such a place: the tests of real clusters sync a lot. */
export function temporaryDirectory(): string {
  let base = tmpdir()
  try {
    accessSync('/dev/shm', constants.W_OK)
    base = '/dev/shm'
  } catch {
    // The ordinary place.
  }
  return mkdtempSync(join(base, 'leasefs-test-'))
}

/** A small disk, to be filled. */
function mountMemory(directory: string, bytes: number): void {
  mkdirSync(directory)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'leasefs-test', directory])
}

function addressIn(ready: string | undefined, after: string): string | undefined {
  return new RegExp(`${after} ([^ ,]+)`).exec(ready ?? '')?.[1]
}

function labelArgs(label: string | undefined): string[] {
  return label === undefined ? [] : ['--location', label]
}
