// A cluster to be attacked: real daemons with files whose content is known, and
// the verdict afterwards.

import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { dropCaches } from '../../bench/drop-caches.js'
import { KiB, MiB } from '../../src/base/units.js'
import { pushBufferBytesMax } from '../../src/chunkserver/limits.js'
import { answersBytesMax } from '../../src/dataplane/limits.js'
import { requestBytesMax, serverQueuedBytesMax } from '../../src/rpc/limits.js'
import { parseAddress } from '../../src/wire/address.js'
import { Cluster, type Daemon, runProgram, temporaryDirectory } from '../cluster/harness.js'
import type { ClusterFacts, Port } from './attack.js'
import { LogCounter, residentBytes } from './victims.js'

/**
 * What a daemon may take on top of what it took before: what its buffers may hold, and room for what is not
 * collected yet. A mount listens nowhere.
 */
const heapBytesMax = 256 * MiB
const controlBytesMax = requestBytesMax + serverQueuedBytesMax + heapBytesMax
export const grownBytesMax: Readonly<Record<string, number>> = {
  master: controlBytesMax,
  chunkserver: controlBytesMax + pushBufferBytesMax + answersBytesMax,
  mount: heapBytesMax,
}

/** Lines that a daemon may log in a second, about: of each kind there are 20 in 10 s. */
const logLinesMax = 10

/** So that the numbers of known inodes and chunks are none of those that attackers like. */
const fillers = 130
const sizes = [0, 1, 100, 4096, 100 * KiB, 3 * MiB + 17]

export interface DaemonFigures {
  readonly label: string
  readonly before: number
  readonly after: number
  readonly peak: number
  readonly logLines: number
  readonly longestLine: number
}

export class Arena {
  readonly cluster: Cluster
  readonly logs: LogCounter
  readonly #files = new Map<string, string>()
  readonly #before = new Map<string, { readonly pid: number; readonly bytes: number }>()
  #facts: ClusterFacts | undefined
  #startedAt = 0

  constructor() {
    this.logs = new LogCounter()
    const onLine = (label: string, line: string) => this.logs.take(label, line)
    this.cluster = new Cluster(temporaryDirectory(), { onLine, trace: false, masterArgs: ['--repair-delay', '5s'] })
  }

  /** Starts everything and writes the files. */
  async start(): Promise<void> {
    await this.cluster.start()
    const directory = join(this.cluster.mountPoint, 'known')
    const filler = join(this.cluster.mountPoint, 'filler')
    mkdirSync(directory)
    mkdirSync(filler)
    for (let i = 0; i < fillers; i++) writeFileSync(join(filler, String(i)), i < 10 ? 'x' : '')
    for (const [i, size] of sizes.entries()) {
      const path = join(directory, `file-${i}`)
      const bytes = randomBytes(size)
      writeFileSync(path, bytes, { flush: true })
      this.#files.set(path, digest(bytes))
    }
    this.#facts = await this.#askFacts()
    this.#startedAt = performance.now()
    for (const { label, pid } of this.#daemons) this.#before.set(label, { pid, bytes: residentBytes(pid).now })
  }

  /** Of all daemons that listen. */
  ports(): Port[] {
    const cluster = this.#facts
    if (!cluster) throw new Error('not started')
    const { ready } = this.cluster.master
    const on = (ready: string, after: string) => parseAddress(new RegExp(`${after} ([^ ,]+)`).exec(ready)?.[1] ?? '')
    return [
      { kind: 'master', address: on(ready, 'listening on'), cluster },
      ...this.cluster.chunkservers.flatMap(({ ready }): Port[] => [
        { kind: 'chunkserver', address: on(ready, 'listening on'), cluster },
        { kind: 'data', address: on(ready, 'data on'), cluster },
      ]),
    ]
  }

  /** What is not as it should be after the attacks. */
  async complaints(): Promise<string[]> {
    const wrong: string[] = []
    for (const { label, pid, isRunning } of this.#daemons) {
      if (!isRunning || pid !== this.#before.get(label)?.pid) wrong.push(`${label} has died`)
    }
    if (wrong.length > 0) return [...wrong, ...this.#daemons.map(({ lastLines }) => lastLines)]
    for (const { label, before, peak, logLines } of this.figures()) {
      const most = grownBytesMax[label.replace(/-.*/, '')] ?? 0
      if (peak - before > most) wrong.push(`${label} has taken ${peak - before} bytes more, ${most} are allowed`)
      const seconds = (performance.now() - this.#startedAt) / 1000
      if (logLines > logLinesMax * seconds) wrong.push(`${label} has logged ${logLines} lines in ${seconds} s`)
    }
    dropCaches()
    for (const [path, sum] of this.#files) {
      if ((await digestOf(path)) !== sum) wrong.push(`${path} has changed`)
    }
    const again = join(this.cluster.mountPoint, 'after')
    const bytes = randomBytes(2 * MiB)
    writeFileSync(again, bytes, { flush: true })
    dropCaches()
    if ((await digestOf(again)) !== digest(bytes)) wrong.push('what was written afterwards is not there')
    rmSync(again)
    const check = await runProgram('leasefs', ['fsck', '--deep', '--master', this.cluster.masterAddress])
    if (check.code !== 0) wrong.push(`fsck: exit code ${check.code}\n${check.stdout}${check.stderr}`)
    return wrong
  }

  figures(): DaemonFigures[] {
    return this.#daemons.map(({ label, pid }) => {
      const { now, peak } = residentBytes(pid)
      const before = this.#before.get(label)?.bytes ?? 0
      return {
        ...{ label, before, after: now, peak },
        logLines: this.logs.lines(label),
        longestLine: this.logs.longest(label),
      }
    })
  }

  async close(): Promise<void> {
    await this.cluster.destroy()
  }

  get #daemons(): Daemon[] {
    const { master, chunkservers, mounts } = this.cluster
    return [master, ...chunkservers, ...mounts]
  }

  async #askFacts(): Promise<ClusterFacts> {
    const located = await Promise.all([...this.#files.keys()].map(path => this.cluster.locate(path)))
    const { clusterId } = await this.cluster.status()
    const chunks = located.flatMap(({ chunks }) => chunks)
    return {
      clusterId,
      inos: located.map(({ ino }) => ino),
      chunks: chunks.map(({ handle, version }) => ({ handle: Number.parseInt(handle, 16), version })),
      dataAddresses: [...new Set(chunks.flatMap(({ replicas }) => replicas.map(({ dataAddress }) => dataAddress)))],
    }
  }
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Not in this thread: daemons wait while nobody takes what they log. */
async function digestOf(path: string): Promise<string> {
  const file = await open(path)
  try {
    return digest(await file.readFile())
  } finally {
    await file.close()
  }
}
