// A cluster of real processes for a test: the programs of bin/, started as a
// person would start them, in a directory that goes with the test.
//
// Whatever happens, nothing is left behind: the processes are stopped and the
// mounts taken away when the test ends, and if the test itself is killed, the
// processes notice the end of their standard input. Every wait has a limit, and
// says on what it waited.

import { execFile } from 'node:child_process'
import { accessSync, chownSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { Child, type DaemonName, type Exit, exitText } from '../../src/cli/child.js'
import { listMounts, mountAt } from '../../src/fuse/mount-table.js'
import { unmountLazily } from '../../src/fuse/unmount.js'

export interface ClusterOptions {
  readonly chunkservers?: number
  /** Of the chunkservers, in order: "/dc/rack/host". */
  readonly locations?: readonly string[]
  readonly goal?: number
  readonly leaseMs?: number
  readonly mounts?: number
  readonly mountLocations?: readonly string[]
  /** Who runs all this, if not the user of the test: for that the test must run as root. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** More arguments for each kind of daemon. */
  readonly masterArgs?: readonly string[]
  readonly chunkserverArgs?: readonly string[]
  readonly mountArgs?: readonly string[]
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

/** Without what the test runner puts into the environment of every Node process: it is slow, and changes how signals act. */
export const plainNode = ['env', '-u', 'NODE_OPTIONS', process.execPath] as const

/** The same, as another user. */
function nodeAs({ uid, gid }: { readonly uid: number; readonly gid: number }): [string, ...string[]] {
  return ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups', ...plainNode]
}

const toolTimeoutMs = 120_000

/** One daemon, over any number of starts. */
export class Daemon {
  readonly label: string
  readonly #program: DaemonName
  /** Given what the daemon said when it was ready the last time, so that it comes back under the same address. */
  readonly #args: (lastReady: string | undefined) => readonly string[]
  readonly #command: readonly [string, ...string[]]
  #child: Child | undefined
  #ready: string | undefined

  constructor(
    label: string,
    program: DaemonName,
    args: (lastReady: string | undefined) => readonly string[],
    command: readonly [string, ...string[]] = plainNode,
  ) {
    this.label = label
    this.#program = program
    this.#args = args
    this.#command = command
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

  async start(): Promise<void> {
    const args = this.#args(this.#ready)
    this.#child = new Child({
      label: this.label,
      program: this.#program,
      args,
      exitWithParentMs: exitWithParentMs[this.#program],
      onLine: () => {},
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

export interface Located {
  readonly ino: number
  readonly size: number
  readonly goal: number
  readonly chunks: readonly {
    readonly index: number
    readonly handle: string
    readonly version: number
    readonly lease: {
      readonly leaseId: number
      readonly primary: string
      readonly secondaries: readonly string[]
      readonly remainingMs: number
    } | null
    readonly replicas: readonly {
      readonly serverId: string
      readonly controlAddress: string
      readonly dataAddress: string
      readonly location: string
      readonly version: number
      readonly stale: boolean
    }[]
  }[]
}

export interface Status {
  readonly clusterId: string
  readonly goal: number
  readonly inodes: number
  readonly chunks: number
  readonly chunksBelowGoal: number
  readonly chunksMissing: number
  readonly leasesInForce: number
  readonly clients: number
  readonly servers: readonly {
    readonly serverId: string
    readonly controlAddress: string
    readonly dataAddress: string
    readonly location: string
    readonly connected: boolean
    readonly replicas: number
    readonly leases: number
  }[]
}

export interface TraceLine {
  readonly t: bigint
  readonly who: string
  readonly event: string
  readonly handle?: string
  readonly version?: number
  readonly leaseId?: number
  readonly dataId?: string
  readonly serial?: number
  readonly from?: string
  readonly to?: string
  readonly bytes?: number
  readonly [more: string]: unknown
}

export class Cluster {
  /** Of everything: master/, chunkserver-N/, mnt-N/, trace. */
  readonly directory: string
  readonly master: Daemon
  readonly chunkservers: readonly Daemon[]
  readonly mounts: readonly Daemon[]
  readonly mountPoints: readonly string[]

  constructor(directory: string, options: ClusterOptions) {
    this.directory = directory
    const { chunkservers = 3, mounts = 1, goal = 3, leaseMs, locations = [], mountLocations = [] } = options
    const { masterArgs = [], chunkserverArgs = [], mountArgs = [], user } = options
    const common = ['--trace', join(directory, 'trace'), '--log-level', 'warn']
    const command = user ? nodeAs(user) : plainNode
    const count = (n: number) => Array.from({ length: n }, (_, i) => i)

    const masterOptions = (ready: string | undefined) => [
      ...['--data', join(directory, 'master'), '--goal', String(goal), ...common],
      ...['--listen', addressIn(ready, 'listening on') ?? '127.0.0.1:0'],
      ...(leaseMs === undefined ? [] : ['--lease-ms', String(leaseMs)]),
      ...masterArgs,
    ]
    this.master = new Daemon('master', 'leasefs-master', masterOptions, command)
    this.chunkservers = count(chunkservers).map(i => {
      const args = (ready: string | undefined) => [
        ...['--data', this.dataOf(i), '--master', this.masterAddress, ...common],
        ...['--listen', addressIn(ready, 'listening on') ?? '127.0.0.1:0'],
        ...['--data-listen', addressIn(ready, 'data on') ?? '127.0.0.1:0'],
        ...labelArgs(locations[i]),
        ...chunkserverArgs,
      ]
      return new Daemon(`chunkserver-${i + 1}`, 'leasefs-chunkserver', args, command)
    })
    this.mountPoints = count(mounts).map(i => join(directory, `mnt-${i + 1}`))
    this.mounts = this.mountPoints.map((mountPoint, i) => {
      const args = () => [
        ...[mountPoint, '--master', this.masterAddress, ...common],
        ...labelArgs(mountLocations[i]),
        ...mountArgs,
      ]
      return new Daemon(`mount-${i + 1}`, 'leasefs-mount', args, command)
    })
    for (const mountPoint of this.mountPoints) mkdirSync(mountPoint)
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

  /** The data directory of a chunkserver, from 0. */
  dataOf(i: number): string {
    return join(this.directory, `chunkserver-${i + 1}`)
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

  async status(): Promise<Status> {
    return JSON.parse(await leasefs('status', '--json', '--master', this.masterAddress))
  }

  /** A file on one of the mounts. */
  async locate(file: string): Promise<Located> {
    return JSON.parse(await leasefs('locate', '--json', file))
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

/** Runs the `leasefs` program. Returns what it printed on stdout. @throws if it fails */
export async function leasefs(...args: string[]): Promise<string> {
  return run(...plainNode, programFile('leasefs'), ...args)
}

/** Runs a script of sh in a directory, with -e. Returns what it printed on stdout. @throws with its stderr if it fails */
export async function shell(cwd: string, script: string): Promise<string> {
  return run('sh', '-ec', 'cd "$1"; eval "$2"', 'sh', cwd, script)
}

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs one of our programs to its end, however it ends; as an ordinary user if `uid` says so. */
export function runProgram(name: string, args: readonly string[], uid?: number): Promise<Outcome> {
  const options = {
    timeout: toolTimeoutMs,
    killSignal: 'SIGKILL',
    ...(uid === undefined ? {} : { uid, gid: uid }),
  } as const
  return new Promise(resolve => {
    const [env, ...node] = plainNode
    const child = execFile(env, [...node, programFile(name), ...args], options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr })
    })
  })
}

export function programFile(name: string): string {
  return fileURLToPath(new URL(`../../../bin/${name}`, import.meta.url))
}

/** That a program refuses its input: nothing on stdout, one line on stderr that begins with its name, exit code 1. */
export async function refuses(
  t: Test,
  name: string,
  args: readonly string[],
  why: RegExp,
  uid?: number,
): Promise<void> {
  const { code, stdout, stderr } = await runProgram(name, args, uid)
  const lines = stderr
    .trimEnd()
    .split('\n')
    .filter(line => !line.startsWith('{')) // The log does not count.
  const line = lines.at(-1) ?? ''
  const isClear = code === 1 && stdout === '' && lines.length === 1 && line.startsWith(`${name}: `) && why.test(line)
  t.ok(isClear, `${args.join(' ')}: ${line}`, { code, stdout, stderr, why: String(why) })
}

async function run(program: string, ...args: string[]): Promise<string> {
  const limits = { timeout: toolTimeoutMs, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 } as const
  const { stdout } = await promisify(execFile)(program, args, limits)
  return stdout
}

/** Waits until something is so. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what}: not so after ${timeoutMs} ms`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

function addressIn(ready: string | undefined, after: string): string | undefined {
  return new RegExp(`${after} ([^ ,]+)`).exec(ready ?? '')?.[1]
}

function labelArgs(label: string | undefined): string[] {
  return label === undefined ? [] : ['--location', label]
}
