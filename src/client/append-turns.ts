// Whose turn it is to append. Where a file ends is the master's to say, and what
// we have appended is not told to it at once; so only one client at a time may
// have appends under way, and it has its turn until another wants to append.
//
// A turn is a lock at the master, of our session (LockKind.APPEND). That another
// waits for it is heard as an invalidation of the inode. Then those who are in
// the middle of an append end it, what was written is applied and reported, and
// the turn is given up: so whoever has it next sees our bytes and our end.
//
// Invariants:
// - while we have our turn, no invalidation of the inode has come since it began;
// - every append that waited when the turn began is made in it, so that two
//   clients who take turns both get on;
// - an inode that is not open at the master has no turn.

import type { Clock } from '../base/clock.js'
import { type Deferred, deferred } from '../base/deferred.js'
import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { type Lock, LockKind, LockType } from '../wire/gen/common.js'
import type { Ino } from '../wire/ids.js'
import type { Session } from './session.js'
import type { Survival } from './survival.js'

export interface AppendTurnsOptions {
  readonly session: Pick<Session, 'request' | 'requestPatiently'>
  readonly clock: Clock
  readonly log: Logger
  /** How long a turn is waited for. */
  readonly timeoutMs: number
  /** Resolves when what was written to the inode has been applied and reported, or has failed. */
  readonly settle: (ino: Ino) => Promise<void>
  /** Absent: no process comes after this one. */
  readonly survival?: Survival | undefined
}

interface Turn {
  /** Appends under way, and those that wait for the turn to begin. */
  users: number
  isOurs: boolean
  beginning: Promise<void> | undefined
  /** While another waits for its turn: resolved when ours has been given up. */
  ending: Deferred<void> | undefined
}

const whole: Omit<Lock, 'type'> = { kind: LockKind.APPEND, start: 0, end: 0, owner: Buffer.alloc(0), pid: 0 }

export class AppendTurns {
  readonly #options: AppendTurnsOptions
  readonly #turns = new Map<Ino, Turn>()

  constructor(options: AppendTurnsOptions) {
    this.#options = options
  }

  /** Runs `append` in our turn. @throws LeasefsError NO_LOCKS, NOT_FOUND, TIMEOUT: we have not got it */
  async during(ino: Ino, append: () => Promise<void>): Promise<void> {
    for (let ending = this.#turns.get(ino)?.ending; ending; ending = this.#turns.get(ino)?.ending) await ending.promise
    const turn = this.#turns.get(ino) ?? { users: 0, isOurs: false, beginning: undefined, ending: undefined }
    this.#turns.set(ino, turn)
    turn.users++
    try {
      while (!turn.isOurs) {
        turn.beginning ??= this.#begin(ino, turn)
        await turn.beginning
      }
      await append()
    } finally {
      turn.users--
      this.#leave(ino, turn)
    }
  }

  /** The master has taken back what we know of these: perhaps since another waits for its turn. */
  invalidated(inos: Iterable<Ino>): void {
    for (const ino of inos) {
      const turn = this.#turns.get(ino)
      if (!turn?.isOurs || turn.ending) continue
      turn.ending = deferred()
      this.#leave(ino, turn)
    }
  }

  /** Turns that an earlier process may have had: they are given up, when what it wrote in them has been applied. */
  found(inos: Iterable<Ino>): void {
    for (const ino of inos) this.#turns.set(ino, { users: 0, isOurs: true, beginning: undefined, ending: undefined })
    this.invalidated(inos)
  }

  /** The stream was away; with `lost`, the session has ended, and the turns with it. */
  reset(lost: boolean): void {
    const inos = [...this.#turns.keys()]
    if (lost) this.closed(inos)
    else this.invalidated(inos)
  }

  /** The inodes are being closed at the master, and our turns end with it. */
  closed(inos: Iterable<Ino>): void {
    for (const ino of inos) {
      const turn = this.#turns.get(ino)
      if (turn) turn.isOurs = false
      this.#options.survival?.map.forget(turnKey(ino))
      if (turn?.users === 0 && !turn.ending) this.#turns.delete(ino)
    }
  }

  /** A patient request, since others must get through for the turn to come: those that end our other turns. */
  async #begin(ino: Ino, turn: Turn): Promise<void> {
    const { session, clock, timeoutMs } = this.#options
    const lock = { ...whole, type: LockType.EXCLUSIVE }
    const late = new AbortController()
    const cancelTimer = clock.after(timeoutMs, () => late.abort())
    this.#options.survival?.map.put(turnKey(ino), 0)
    try {
      await session.requestPatiently({ $case: 'setLock', value: { ino, lock, wait: true } }, late.signal, answer => {
        if (answer.failure) return
        // Also if nobody waits for it any more: until another does.
        const current = this.#turns.get(ino) ?? turn
        current.isOurs = true
        this.#turns.set(ino, current)
      })
    } catch (reason) {
      if (!late.signal.aborted) throw reason
      throw new LeasefsError('TIMEOUT', `inode ${ino}: others go on appending`, { cause: reason })
    } finally {
      cancelTimer()
      turn.beginning = undefined
    }
  }

  #leave(ino: Ino, turn: Turn): void {
    if (turn.users > 0) return
    if (turn.ending) void this.#end(ino, turn)
    else if (!turn.isOurs) this.#turns.delete(ino)
  }

  async #end(ino: Ino, turn: Turn): Promise<void> {
    const { session, settle, log } = this.#options
    const lock = { ...whole, type: LockType.UNLOCKED }
    try {
      await settle(ino)
      if (turn.isOurs) await session.request({ $case: 'setLock', value: { ino, lock, wait: false } })
    } catch (reason) {
      const { code } = LeasefsError.from(reason)
      if (code !== 'CANCELLED' && code !== 'NOT_FOUND') log.warn({ ino, code }, 'a turn to append was not given up')
    }
    turn.isOurs = false
    this.#options.survival?.map.forget(turnKey(ino))
    this.#turns.delete(ino)
    turn.ending?.resolve()
  }
}

function turnKey(ino: Ino): string {
  return `turn/${ino}`
}
