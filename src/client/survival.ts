// What a client leaves to the process that comes after it, if it is to have one
// (a mount's worker: docs/ARCHITECTURE.md, "The mount survives its worker").
// Here is under which names that lies in the surviving map, and in which form.
//
// A change that a program has asked for has a *cause*: a number that is never
// given again, the same in the next process if the program's call is made
// anew there. So the next process knows of a change whether it was made already.

import { LeasefsError } from '../base/errors.js'
import type { SurvivingEntry, SurvivingMap } from '../base/surviving-map.js'
import { Request } from '../wire/gen/client.js'
import type { ChunkUsage } from '../wire/gen/common.js'
import type { DataId, Ino } from '../wire/ids.js'
import type { Timestamp } from './file-system.js'
import { counterReserve } from './limits.js'
import type { BatchMutation } from './mutate.js'
import type { Operation } from './requests.js'

/** Whoever finds another number understands nothing of it. */
const survivalFormat = 1

/** What a call that is made anew had come to. */
export type Outcome = 'done' | 'unknown'

/** A request to the master whose answer had not come. */
export interface AskedRequest {
  readonly number: number
  readonly cause: number | undefined
  readonly operation: Operation
}

/** Written bytes, all in one block of DirtyData; in the order of `sequence`. */
export interface WrittenPiece {
  readonly sequence: number
  readonly ino: Ino
  readonly offset: number
  readonly mtime: Timestamp
  readonly bytes: Buffer
}

/** A batch that was being applied, of the pieces up to `through`. */
export interface PushedBatch {
  readonly key: string
  readonly ino: Ino
  readonly through: number
  readonly extents: readonly { readonly start: number; readonly length: number; readonly id: DataId }[]
}

/** A mutation without data that was being applied. */
export interface LoneMutation {
  readonly ino: Ino
  readonly index: number
  readonly mutation: Exclude<BatchMutation, { kind: 'write' }>
}

/** What of a file's writes the master, or the program, has not been told. */
export interface InodeState {
  /** Pieces that have a later one were written later. */
  readonly sequence: number
  readonly end: number
  readonly appliedEnd: number
  readonly wholeEnd: number
  readonly reportedSize: number
  readonly mtime: Timestamp | undefined
  readonly waits: boolean
  readonly unsynced: readonly number[]
  readonly usages: readonly ChunkUsage[]
  readonly error: { readonly code: string; readonly message: string } | undefined
}

/** Everything that was left. */
export interface Inherited {
  readonly session: { readonly id: number; readonly clusterId: string }
  readonly numbersThrough: number
  readonly dataIdsThrough: number
  readonly asked: readonly AskedRequest[]
  readonly open: readonly Ino[]
  readonly turns: readonly Ino[]
  readonly locks: readonly { readonly ino: Ino; readonly holder: string }[]
  readonly pieces: readonly WrittenPiece[]
  readonly batches: readonly PushedBatch[]
  readonly mutations: readonly LoneMutation[]
  readonly states: ReadonlyMap<Ino, InodeState>
}

export class Survival {
  readonly map: SurvivingMap
  #inherited: Inherited | undefined
  readonly #outcomes = new Map<number, Outcome>()
  #sequence = 0

  constructor(map: SurvivingMap) {
    this.map = map
    this.#inherited = inherit(map.inherited, this.#outcomes)
    const { pieces = [], batches = [], states = new Map<Ino, InodeState>() } = this.#inherited ?? {}
    for (const { sequence } of [...pieces, ...states.values()]) this.#sequence = Math.max(this.#sequence, sequence)
    // The pieces may be gone before the call is made anew.
    for (const cause of this.#outcomes.keys()) map.put(doneKey(cause), 0)
    for (const { through } of batches) this.#sequence = Math.max(this.#sequence, through)
  }

  /** What was left, if anything was. */
  get inherited(): Inherited | undefined {
    return this.#inherited
  }

  /** Everything is as it was: the memory of what was left is let go. */
  dropInherited(): void {
    this.#inherited = undefined
    this.map.dropInherited()
  }

  session(id: number, clusterId: string): void {
    this.map.put('session', { format: survivalFormat, id, clusterId })
  }

  /** A number has been taken: numbers up to the result are taken as well, by no one else. */
  reserve(what: 'numbers' | 'dataIds', taken: number): number {
    const through = taken + counterReserve
    this.map.put(what, through)
    return through
  }

  /** What must not be done twice is about to be asked of the master. */
  asked(number: number, cause: number | undefined, operation: Operation): void {
    const bytes = Request.encode({ number, answeredThrough: 0, operation }).finish()
    this.map.put(`ask/${number}`, { number, cause }, [Buffer.from(bytes)])
  }

  /** It was answered, or will never be. */
  answered(number: number, cause: number | undefined, done: boolean): void {
    const asked = `ask/${number}`
    if (done && cause !== undefined) this.done(cause, [asked])
    else this.map.remove([asked])
  }

  /** The change of a call has been made, and the call has not been answered. */
  done(cause: number, gone: readonly string[] = []): void {
    this.#outcomes.set(cause, 'done')
    this.map.put(doneKey(cause), 0, [], gone)
  }

  /** Nobody knows whether the change of a call was made. */
  unknown(cause: number): void {
    this.#outcomes.set(cause, 'unknown')
  }

  /** What a call that is made anew had come to; undefined: nothing yet. */
  outcome(cause: number): Outcome | undefined {
    return this.#outcomes.get(cause)
  }

  /** The call has been answered: it won't be made anew. */
  ended(cause: number): void {
    if (this.#outcomes.delete(cause)) this.map.forget(doneKey(cause))
  }

  nextSequence(): number {
    return ++this.#sequence
  }
}

function doneKey(cause: number): string {
  return `done/${cause}`
}

/** As the entries stand in the map, by the first part of their keys. */
interface Values {
  session: { format: number; id: number; clusterId: string }
  ask: { number: number; cause?: number }
  write: { ino: number; offset: number; mtime: Timestamp; cause?: number; last?: boolean }
  push: { ino: number; through: number; extents: [start: number, length: number, client: number, counter: number][] }
  lock: { ino: number; holder: string }
}

/** @throws LeasefsError CORRUPT: a request that can't be read */
function inherit(entries: readonly SurvivingEntry[], outcomes: Map<number, Outcome>): Inherited | undefined {
  const of = (kind: string) => entries.filter(({ key }) => key === kind || key.startsWith(`${kind}/`))
  const one = (key: string) => entries.find(entry => entry.key === key)?.value
  const session = one('session') as Values['session'] | undefined
  if (session?.format !== survivalFormat) return undefined
  for (const { key } of of('done')) outcomes.set(Number(key.slice('done/'.length)), 'done')
  const writes = of('write').map(({ key, value, bytes }) => {
    return { ...(value as Values['write']), sequence: Number(key.slice('write/'.length)), bytes }
  })
  // An append that was not taken whole is made anew; one that was is not.
  const whole = new Set(writes.flatMap(({ cause, last }) => (last && cause !== undefined ? [cause] : [])))
  for (const cause of whole) outcomes.set(cause, 'done')
  const inos = (kind: string) => of(kind).map(({ key }) => Number(key.slice(kind.length + 1)) as Ino)
  return {
    session,
    numbersThrough: Number(one('numbers') ?? 0),
    dataIdsThrough: Number(one('dataIds') ?? 0),
    asked: of('ask')
      .map(({ value, bytes }) => ({ ...(value as Values['ask']), operation: operationOf(bytes) }))
      .map(({ number, cause, operation }) => ({ number, cause, operation }))
      .sort((a, b) => a.number - b.number),
    open: inos('open'),
    turns: inos('turn'),
    locks: of('lock').map(({ value }) => value as { ino: Ino; holder: string }),
    pieces: writes
      .filter(({ cause }) => cause === undefined || whole.has(cause))
      .map(({ sequence, ino, offset, mtime, bytes }) => ({ sequence, ino: ino as Ino, offset, mtime, bytes }))
      .sort((a, b) => a.sequence - b.sequence),
    batches: of('push')
      .map(({ key, value }) => batchOf(key, value as Values['push']))
      .sort((a, b) => sequenceOf(a.key) - sequenceOf(b.key)),
    mutations: of('one').map(({ value }) => value as LoneMutation),
    states: new Map(of('inode').map(({ key, value }) => [Number(key.slice(6)) as Ino, value as InodeState])),
  }
}

function batchOf(key: string, { ino, through, extents }: Values['push']): PushedBatch {
  const ids = extents.map(([start, length, client, counter]) => {
    return { start, length, id: { client: client as DataId['client'], counter } }
  })
  return { key, ino: ino as Ino, through, extents: ids }
}

function sequenceOf(key: string): number {
  return Number(key.slice(key.indexOf('/') + 1))
}

function operationOf(bytes: Buffer): Operation {
  const { operation } = Request.decode(bytes)
  if (!operation) throw new LeasefsError('CORRUPT', 'a request that was left means nothing')
  return operation
}
