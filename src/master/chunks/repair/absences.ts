// Servers that are away, and how long they are waited for. Bookkeeping only:
// the caller brings the time.
//
// - One that vanished usually comes back within a minute: until then only
//   chunks with a single copy left are repaired.
// - One that said goodbye is being worked on: what it held counts as there.
// - A master that has just started knows of nobody yet: it concludes nothing.
//
// An operator's word ends any of these waits.

import assert from 'node:assert/strict'
import type { ServerId } from '../../../wire/ids.js'
import { absencesMax, flapMs } from './limits.js'

interface Absence {
  readonly kind: 'vanished' | 'left'
  /** Of a server that vanishes again and again: since the first time. */
  readonly since: number
  readonly back: boolean
  readonly waived: boolean
}

export interface AbsenceOptions {
  readonly startedAt: number
  readonly repairDelayMs: number
  readonly maintenanceMs: number
}

export class Absences {
  readonly #options: AbsenceOptions
  readonly #absences = new Map<ServerId, Absence>()
  #startWaived = false

  constructor(options: AbsenceOptions) {
    this.#options = options
  }

  gone(id: ServerId, kind: 'dead' | 'left', now: number): void {
    const before = this.#absences.get(id)
    const flaps = kind === 'dead' && before?.kind === 'vanished' && before.back && now - before.since < flapMs
    const since = flaps ? before.since : now
    this.#absences.delete(id)
    this.#absences.set(id, { kind: kind === 'dead' ? 'vanished' : 'left', since, back: false, waived: false })
    if (this.#absences.size > absencesMax) this.#forgetOne()
  }

  back(id: ServerId): void {
    const absence = this.#absences.get(id)
    if (absence?.kind === 'left') this.#absences.delete(id)
    else if (absence) this.#absences.set(id, { ...absence, back: true })
  }

  /** Nobody waits for this server any more; for any that is away now, if none is named. */
  waive(id?: ServerId): void {
    if (id === undefined) this.#startWaived = true
    for (const [each, absence] of this.#absences) {
      if (id === undefined || each === id) this.#absences.set(each, { ...absence, waived: true })
    }
  }

  /** Until then the master is too young to conclude anything from what is not there. */
  get silentUntil(): number {
    return this.#startWaived ? Number.NEGATIVE_INFINITY : this.#options.startedAt + this.#options.repairDelayMs
  }

  /** Until then chunks with more than one copy wait for servers that vanished. */
  get holdsUntil(): number {
    let until = this.silentUntil
    for (const { kind, since, back, waived } of this.#absences.values()) {
      if (kind === 'vanished' && !back && !waived) until = Math.max(until, since + this.#options.repairDelayMs)
    }
    return until
  }

  /** Until when a server that said goodbye is taken to come back; undefined if it is not. */
  expectedUntil(id: ServerId, now: number): number | undefined {
    const absence = this.#absences.get(id)
    if (absence?.kind !== 'left' || absence.waived) return undefined
    const until = absence.since + this.#options.maintenanceMs
    return now < until ? until : undefined
  }

  #forgetOne(): void {
    const [oldest] = this.#absences.keys()
    assert(oldest)
    this.#absences.delete(oldest)
  }
}
