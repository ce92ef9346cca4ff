// Client sessions, and the answers each may still ask for again.

import type { Reply } from '../../wire/gen/client.js'
import { StoredAnswer, StoredSession } from '../../wire/gen/state.js'
import type { SessionId } from '../../wire/ids.js'
import { keyNumber, numberKey, pairKey, prefixRange } from './keys.js'
import type { StateStore, StateTable } from './state-store.js'
import { decodeStored, encodeStored } from './stored.js'

export interface SessionRecord {
  readonly id: SessionId
  readonly description: string
}

export class Sessions {
  readonly #sessions: StateTable

  constructor(store: StateStore) {
    this.#sessions = store.table('sessions')
  }

  find(id: number): SessionRecord | undefined {
    const value = this.#sessions.get(numberKey(id))
    return value && recordOf(id, value)
  }

  put({ id, description }: SessionRecord): void {
    this.#sessions.put(numberKey(id), encodeStored(StoredSession, { description }))
  }

  remove(id: number): void {
    this.#sessions.remove(numberKey(id))
  }

  /** Few: `sessionsMax` bounds them. */
  list(): SessionRecord[] {
    return Array.from(this.#sessions.range({ from: numberKey(0) }), ({ key, value }) =>
      recordOf(keyNumber(key, 0), value),
    )
  }
}

export class Answers {
  readonly #table: StateTable
  /** The numbers remembered of a session, ascending: what the table has, so that pruning need not search it. */
  readonly #numbers = new Map<number, number[]>()

  constructor(store: StateStore) {
    this.#table = store.table('answers')
  }

  find(session: number, number: number): Reply | undefined {
    const numbers = this.#of(session)
    if (numbers[position(numbers, number)] !== number) return undefined
    const value = this.#table.get(pairKey(session, number))
    return value && decodeStored(StoredAnswer, value, `answer ${number} of session ${session}`).reply
  }

  count(session: number): number {
    return this.#of(session).length
  }

  remember(session: number, reply: Reply): void {
    const numbers = this.#of(session)
    this.#table.put(pairKey(session, reply.number), encodeStored(StoredAnswer, { reply }))
    numbers.splice(position(numbers, reply.number), 0, reply.number)
  }

  /** Forgets the answers up to and with `through`. */
  forget(session: number, through: number): void {
    const numbers = this.#of(session)
    const end = position(numbers, through + 1)
    for (const number of numbers.splice(0, end)) this.#table.remove(pairKey(session, number))
  }

  forgetAll(session: number): void {
    this.forget(session, Number.MAX_SAFE_INTEGER - 1)
    this.#numbers.delete(session)
  }

  /** After a transaction was taken back: what is in memory is read anew when it is needed. */
  rolledBack(): void {
    this.#numbers.clear()
  }

  #of(session: number): number[] {
    let numbers = this.#numbers.get(session)
    if (!numbers) {
      numbers = Array.from(this.#table.range(prefixRange(session)), ({ key }) => keyNumber(key, 8))
      this.#numbers.set(session, numbers)
    }
    return numbers
  }
}

function recordOf(id: number, value: Buffer): SessionRecord {
  const { description } = decodeStored(StoredSession, value, `session ${id}`)
  return { id: id as SessionId, description }
}

/** The first position whose number is at least `number`; searched from the end, where requests usually are. */
function position(numbers: readonly number[], number: number): number {
  let at = numbers.length
  while (at > 0 && (numbers[at - 1] ?? 0) >= number) at--
  return at
}
