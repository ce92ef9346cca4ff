// What a check of the whole has found so far: each finding with what became of
// it, up to a limit, and counts of all.

import { type FsckCount, type FsckFinding, FsckOutcome } from '../../wire/gen/admin.js'
import type { ChunkHandle, Ino, ServerId } from '../../wire/ids.js'
import { type Finding, findingKinds } from '../check/finding.js'
import { findingsMax } from './limits.js'

/** What is found by asking chunkservers; what the state shows by itself has kinds of its own (check/finding.ts). */
export const replicaFindingKinds = [
  'no-replica', // a chunk of which no replica that is up to date is there: its bytes cannot be read
  'below-goal', // a chunk with fewer replicas than its file wants
  'missing-replica', // the master counts on a replica that its server does not have
  'unreported-replica', // a server has a replica that the master does not know of
  'corrupt-replica', // blocks that do not have what their checksums say
  'different-replicas', // replicas of one version that do not hold the same
  'version-ahead', // a replica of a later version than the master ever gave out
  'in-doubt', // replicas that may differ since a crash: nobody reads them before they are made level
  'failed-replica', // a replica that lacks mutations and serves nobody
  'stale-replica', // a replica that has missed a version: it is collected
  'unknown-replica', // a replica of a chunk that no file has: it is collected
  'strange-file', // a file among replicas that looks like one and is none: it is left alone
  'surplus-replica', // a chunk with more replicas than its file wants: one is removed
] as const

export type ReplicaFindingKind = (typeof replicaFindingKinds)[number]
export type FsckKind = Finding['kind'] | ReplicaFindingKind

/** What goes away by itself, and harms nobody meanwhile. */
const notices: ReadonlySet<string> = new Set<ReplicaFindingKind>([
  'in-doubt',
  'failed-replica',
  'stale-replica',
  'unknown-replica',
  'strange-file',
  'surplus-replica',
])

export interface Found extends Pick<Finding, 'text' | 'mend'> {
  readonly kind: FsckKind
  readonly ino?: number
  readonly handle?: number
  readonly server?: ServerId
  /** Whose replicas are not what most others are. */
  readonly minority?: readonly ServerId[]
  /** What a repair does about it. Absent: nothing. */
  readonly repair?: string
}

interface Noted extends Found {
  outcome: FsckOutcome
}

export class Findings {
  readonly #noted: Noted[] = []
  readonly #counts = new Map<string, number>()
  /** Of those beyond the limit. */
  #uncounted = { left: 0, notices: 0 }

  add(found: Found): void {
    this.#counts.set(found.kind, (this.#counts.get(found.kind) ?? 0) + 1)
    const outcome = notices.has(found.kind) ? FsckOutcome.FSCK_NOTICE : FsckOutcome.FSCK_LEFT
    if (this.#noted.length < findingsMax) this.#noted.push({ ...found, outcome })
    else if (outcome === FsckOutcome.FSCK_NOTICE) this.#uncounted.notices++
    else this.#uncounted.left++
  }

  /** In the order in which they were found, those beyond the limit left out. */
  get all(): readonly Readonly<Noted>[] {
    return this.#noted
  }

  /** Files whose paths are wanted. */
  get inos(): Set<Ino> {
    return new Set(this.#noted.flatMap(({ ino }) => (ino ? [ino as Ino] : [])))
  }

  get counts(): FsckCount[] {
    const order = [...findingKinds, ...replicaFindingKinds] as readonly string[]
    return [...this.#counts]
      .map(([kind, count]) => ({ kind, count }))
      .sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
  }

  get left(): number {
    return this.#uncounted.left + this.#with(FsckOutcome.FSCK_LEFT)
  }

  get repaired(): number {
    return this.#with(FsckOutcome.FSCK_REPAIRED)
  }

  get notices(): number {
    return this.#uncounted.notices + this.#with(FsckOutcome.FSCK_NOTICE)
  }

  /** Those of a kind that a repair may still put right. */
  open(...kinds: readonly FsckKind[]): readonly Readonly<Noted>[] {
    return this.#noted.filter(({ kind, outcome }) => kinds.includes(kind) && outcome === FsckOutcome.FSCK_LEFT)
  }

  /** The one with this text, which no other has. */
  repairedOne(text: string): void {
    const noted = this.#noted.find(each => each.text === text && each.outcome === FsckOutcome.FSCK_LEFT)
    if (noted) noted.outcome = FsckOutcome.FSCK_REPAIRED
  }

  messages(paths: ReadonlyMap<number, Buffer>): FsckFinding[] {
    return this.#noted.map(({ kind, text, ino = 0, handle = 0, server = '', repair = '', outcome }) => {
      return { kind, text, ino, handle, path: paths.get(ino) ?? Buffer.alloc(0), serverId: server, outcome, repair }
    })
  }

  #with(outcome: FsckOutcome): number {
    return this.#noted.filter(noted => noted.outcome === outcome).length
  }
}

/** The chunk as findings name it. */
export function chunkText({ ino, index, handle }: { ino: number; index: number; handle: ChunkHandle }): string {
  return `chunk ${index} of inode ${ino} (${handle.toString(16)})`
}
