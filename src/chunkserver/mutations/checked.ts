// Mutations as they came off the wire, and what is left of them when they have
// been checked. From here inwards ranges and ids are valid.

import { LeasefsError } from '../../base/errors.js'
import { chunkSize, commitMutationsMax, mutationSizeMax } from '../../constants.js'
import type { Apply, Commit, Mutation } from '../../wire/gen/mutation.js'
import {
  type ChunkHandle,
  type DataId,
  dataIdText,
  type LeaseId,
  type OrderPlace,
  type SessionId,
} from '../../wire/ids.js'

export type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly length: number }
  | { readonly kind: 'truncate'; readonly length: number; readonly after?: OrderPlace }
  | { readonly kind: 'sync' }
  | { readonly kind: 'zero' | 'allocate'; readonly offset: number; readonly length: number }

export interface CheckedMutation {
  readonly id: DataId
  /** The id as a key of maps, and in traces. */
  readonly key: string
  readonly change: Change
  /** To be sent on. */
  readonly wire: Mutation
}

export interface CheckedCommit {
  readonly handle: ChunkHandle
  readonly version: number
  readonly mutations: readonly CheckedMutation[]
}

export interface CheckedApply extends CheckedCommit {
  readonly leaseId: LeaseId
  readonly firstSerial: number
}

/** @throws LeasefsError INVALID_ARGUMENT */
export function checkCommit({ handle, version, mutations }: Commit): CheckedCommit {
  check(mutations.length > 0 && mutations.length <= commitMutationsMax, `${mutations.length} mutations`)
  const checked = mutations.map(checkMutation)
  if (checked.length > 1) check(new Set(checked.map(({ key }) => key)).size === checked.length, 'a data id twice')
  return { handle: checkHandle(handle), version: checkPositive(version, 'version'), mutations: checked }
}

/** @throws LeasefsError INVALID_ARGUMENT */
export function checkApply(apply: Apply): CheckedApply {
  const { mutations, ...rest } = checkCommit({ ...apply, number: 0 })
  const leaseId = checkPositive(apply.leaseId, 'lease id') as LeaseId
  return { ...rest, mutations, leaseId, firstSerial: checkPositive(apply.firstSerial, 'serial number') }
}

/** @throws LeasefsError INVALID_ARGUMENT */
export function checkHandle(handle: number): ChunkHandle {
  return checkPositive(handle, 'chunk handle') as ChunkHandle
}

/** @throws LeasefsError INVALID_ARGUMENT */
export function checkPositive(value: number, what: string): number {
  check(Number.isSafeInteger(value) && value > 0, `${what} ${value}`)
  return value
}

/** @throws LeasefsError INVALID_ARGUMENT */
export function checkDataId(id: Mutation['id']): DataId {
  if (!id) throw new LeasefsError('INVALID_ARGUMENT', 'a mutation without id')
  check(Number.isSafeInteger(id.counter) && id.counter >= 0, `counter ${id.counter}`)
  return { client: checkPositive(id.client, 'session') as SessionId, counter: id.counter }
}

function checkMutation(wire: Mutation): CheckedMutation {
  const { kind } = wire
  const dataId = checkDataId(wire.id)
  if (!kind) throw new LeasefsError('INVALID_ARGUMENT', 'a mutation without kind')
  return { id: dataId, key: dataIdText(dataId), change: checkChange(kind), wire }
}

function checkChange(kind: NonNullable<Mutation['kind']>): Change {
  switch (kind.$case) {
    case 'write': {
      const { offset, length } = kind.value
      const fits = isSize(offset) && isSize(length) && length > 0 && length <= mutationSizeMax
      check(fits && offset + length <= chunkSize, `a write of [${offset}, +${length})`)
      return { kind: 'write', offset, length }
    }
    case 'truncate': {
      const { length, afterLeaseId, afterSerial } = kind.value
      check(isSize(length) && length <= chunkSize, `a truncation to ${length}`)
      if (afterLeaseId === undefined) return { kind: 'truncate', length }
      const after = { leaseId: checkPositive(afterLeaseId, 'lease id'), serial: afterSerial ?? 0 }
      check(isSize(after.serial), `serial number ${after.serial}`)
      return { kind: 'truncate', length, after }
    }
    case 'sync':
      return { kind: 'sync' }
    case 'zero':
    case 'allocate': {
      const { offset, length } = kind.value
      const fits = isSize(offset) && isSize(length) && length > 0
      check(fits && offset + length <= chunkSize, `a mutation (${kind.$case}) of [${offset}, +${length})`)
      return { kind: kind.$case, offset, length }
    }
  }
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function check(ok: boolean, what: string): void {
  if (!ok) throw new LeasefsError('INVALID_ARGUMENT', `bad request: ${what}`)
}
