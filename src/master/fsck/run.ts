// One check of the whole: the state against itself, chunks against their
// replicas, chunkservers against what the master believes, and, if asked for,
// replicas against one another.

import type { LeasefsError } from '../../base/errors.js'
import type { ControlNetwork } from '../../rpc/control-network.js'
import type { FsckDone, FsckFinding, FsckRequest } from '../../wire/gen/admin.js'
import type { ChunkHandle } from '../../wire/ids.js'
import { checkStepsOf } from '../check/check-state.js'
import { mendTexts } from '../check/mend.js'
import type { ChunkRecord } from '../chunk-table.js'
import { isIncomplete } from '../chunks/room.js'
import type { StateSnapshot } from '../state/state-store.js'
import { absentServers, checkChunkHealth } from './chunk-health.js'
import { compareReplicas } from './compare.js'
import { Findings } from './findings.js'
import { reportsWaitMs } from './limits.js'
import { pathsOf } from './paths.js'
import { type RepairOptions, repairReplicas, repairState, stateFindings } from './repair.js'
import { checkServerLists } from './server-lists.js'
import { Slices } from './slices.js'

export interface RunOptions extends RepairOptions {
  readonly network: Pick<ControlNetwork, 'connect'>
  /** Of the state. */
  readonly snapshot: () => StateSnapshot
  readonly signal: AbortSignal
  readonly tell: (text: string, share: number) => void
}

export interface Result {
  readonly findings: readonly FsckFinding[]
  readonly done: FsckDone
}

/** @throws LeasefsError CANCELLED; IO: of the state's disk */
export async function runFsck(options: RunOptions, request: FsckRequest): Promise<Result> {
  return await new Run(options, request).run()
}

class Run {
  readonly #options: RunOptions
  readonly #request: FsckRequest
  readonly #findings = new Findings()
  readonly #incomplete: string[] = []
  readonly #slices: Slices
  /** What part of all the work the present step begins with, and how much of it it is. */
  #step = { from: 0, share: 0 }
  #replicas = 0
  #bytes = 0

  constructor(options: RunOptions, request: FsckRequest) {
    this.#options = options
    this.#request = request
    const { room, signal, tell } = options
    this.#slices = new Slices(room.clock, signal, (text, share) =>
      tell(text, this.#step.from + share * this.#step.share),
    )
  }

  async run(): Promise<Result> {
    const { room } = this.#options
    const { deep, missingOnly } = this.#request
    await this.#awaitReports()
    for (const server of absentServers(room)) {
      this.#incomplete.push(`server ${server} is not connected: what it holds was not looked at`)
    }
    if (!missingOnly) await this.#checkState(deep ? 0.1 : 0.4)
    this.#begin(deep ? 0.1 : 0.3)
    await checkChunkHealth(room, this.#findings, this.#slices)
    if (!missingOnly) await this.#checkReplicas()
    return await this.#result()
  }

  /** A master that has just started, or a server that has, does not know yet what there is. */
  async #awaitReports(): Promise<void> {
    const { room } = this.#options
    const deadline = room.clock.now() + reportsWaitMs
    while (isIncomplete(room)) {
      if (room.clock.now() >= deadline) {
        this.#incomplete.push('not all servers have said yet what they hold')
        return
      }
      this.#slices.tell('waiting for servers to say what they hold', 0)
      await this.#slices.sleep(100)
    }
  }

  async #checkState(share: number): Promise<void> {
    this.#begin(share)
    const look = () =>
      this.#withSnapshot(async snapshot => {
        const total = checkStepsOf(snapshot)
        return await stateFindings(snapshot, this.#slices, steps => {
          this.#slices.tell(`names and records: ${steps} of about ${total}`, Math.min(1, steps / total))
        })
      })
    const found = await look()
    if (this.#request.repair) await repairState(this.#options, found, look, this.#findings)
    else
      for (const each of found) this.#findings.add({ ...each, ...(each.mend && { repair: mendTexts[each.mend.kind] }) })
  }

  async #checkReplicas(): Promise<void> {
    const { room, network, signal } = this.#options
    const common = { room, network, signal, findings: this.#findings, slices: this.#slices }
    const { deep } = this.#request
    this.#begin(deep ? 0.1 : 0.25)
    const { replicas, lengths, unequal, incomplete } = await checkServerLists(common)
    this.#replicas = replicas
    this.#incomplete.push(...incomplete)
    this.#begin(1 - this.#step.from)
    const lengthOf = (handle: ChunkHandle) => Math.max(0, lengths.get(handle) - 1)
    const records = deep ? room.table.all() : this.#recordsOf(unequal)
    const total = deep ? room.table.counts.chunks : unequal.size
    const options = { ...common, read: deep, lengthOf }
    const compared = await compareReplicas(options, records, total)
    this.#bytes = compared.bytes
    this.#incomplete.push(...compared.incomplete)
    if (this.#request.repair) await repairReplicas(this.#options, options, this.#findings)
  }

  *#recordsOf(handles: Iterable<ChunkHandle>): Iterable<ChunkRecord> {
    for (const handle of handles) {
      const record = this.#options.room.table.chunk(handle)
      if (record) yield record
    }
  }

  async #result(): Promise<Result> {
    const { table } = this.#options.room
    const { left, repaired, notices, counts: kinds } = this.#findings
    const paths = await this.#withSnapshot(snapshot => pathsOf(snapshot, this.#findings.inos, this.#slices))
    const incomplete = this.#incomplete
    const found = { left, repaired, notices, kinds, incomplete, replicas: this.#replicas, bytes: this.#bytes }
    return { findings: this.#findings.messages(paths), done: { failure: undefined, ...found, ...table.counts } }
  }

  async #withSnapshot<T>(run: (snapshot: StateSnapshot) => Promise<T>): Promise<T> {
    const snapshot = this.#options.snapshot()
    try {
      return await run(snapshot)
    } finally {
      snapshot.release()
    }
  }

  #begin(share: number): void {
    this.#step = { from: this.#step.from + this.#step.share, share }
  }
}

/** What is said if the check could not be made. */
export function failedDone(reason: LeasefsError): FsckDone {
  const none = {
    incomplete: [],
    left: 0,
    repaired: 0,
    notices: 0,
    inodes: 0,
    chunks: 0,
    replicas: 0,
    bytes: 0,
    kinds: [],
  }
  return { failure: { code: reason.code, message: reason.message }, ...none }
}
