// The shape of the master's operations. Each has a file with its check, and the
// change it leads to has an apply:
//
//   check   (state, request) → a decision: the change to journal, or an answer
//           without one. Throws what the caller did wrong; changes nothing.
//   apply   (state, change) → the outcome. Cannot fail, and takes nothing but
//           the journaled record: replay after a crash calls the same function.

import type { Reply } from '../../wire/gen/client.js'
import { FileType, type Time } from '../../wire/gen/common.js'
import type { JournalRecord } from '../../wire/gen/state.js'
import type { ChunkHandle, Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'

export type Effect = NonNullable<JournalRecord['effect']>
export type Result = NonNullable<Reply['result']>

/** What a check may use beside the state. */
export interface CheckContext {
  /** 0: the master itself. */
  readonly session: number
  readonly now: Time
  /** Replicas wanted of a new file's chunks. */
  readonly goal: number
  /** Whether deleted files go to the trash. */
  readonly trash: boolean
}

export type Decision =
  | { readonly kind: 'change'; readonly effect: Effect }
  /** Nothing to change: it is so already. */
  | { readonly kind: 'answer'; readonly result: Result }

/** What an apply may use beside the state: from the record. */
export interface ApplyContext {
  readonly session: number
  readonly now: Time
}

export interface Outcome {
  readonly result: Result
  /** Inodes about which others must not believe what they cached. */
  readonly touched: readonly Ino[]
  /**
   * As `touched`, but nobody named these: directories of the trash, and files that came there when they
   * were closed. Who asked is not told how they are now, and must not believe what it cached either.
   */
  readonly aside?: readonly Ino[]
  /** Chunks that are no longer in the table. */
  readonly freed: readonly ChunkHandle[]
  /** Inodes whose locks may have become fewer: who waits for one may have it now. */
  readonly unlocked?: readonly Ino[]
}

export const doneResult: Result = { $case: 'done', value: {} }

export function change(effect: Effect): Decision {
  return { kind: 'change', effect }
}

export function answer(result: Result): Decision {
  return { kind: 'answer', result }
}

/** The answer that carries an inode's attributes as they are now. @throws LeasefsError NOT_FOUND */
export function attributesResult(state: State, ino: number): Result {
  return { $case: 'attributes', value: state.inodes.get(ino).attributes }
}

export function isDirectory({ type }: { readonly type: FileType }): boolean {
  return type === FileType.DIRECTORY
}
