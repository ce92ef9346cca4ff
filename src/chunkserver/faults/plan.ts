// Faults that a test asks for: which calls of a store fail, with what, and how
// long they take. Read from JSON; a plan that makes no sense is refused whole.

import { LeasefsError } from '../../base/errors.js'
import { SeededRandom } from '../../base/random.js'
import { minute } from '../../base/units.js'

/** Kinds of calls. `write` is every change of bytes: truncate, zero and allocate too. */
export const faultyCalls = ['read', 'write', 'sync', 'create', 'delete', 'setVersion'] as const
export type FaultyCall = (typeof faultyCalls)[number]

const faultCodes = ['IO', 'NO_SPACE', 'CORRUPT'] as const
type FaultCode = (typeof faultCodes)[number]

/** What happens to the calls of one kind. */
interface Rule {
  /** What they fail with. Without it they are slow, nothing else. */
  readonly code: FaultCode | undefined
  /** So many of a hundred fail. */
  readonly percent: number
  /** The first so many do not. */
  readonly after: number
  /** No more than so many fail. */
  readonly times: number
  /** A write that fails has happened in its first half. */
  readonly torn: boolean
  /** How long each takes beyond what it takes; those that fail, too. */
  readonly delayMs: number
}

/** What happens to one call. */
export interface Fault {
  readonly delayMs: number
  readonly code: FaultCode | undefined
  readonly torn: boolean
}

const delayMsMax = 10 * minute
const countMax = 1_000_000_000
const noFault: Fault = { delayMs: 0, code: undefined, torn: false }

export class FaultPlan {
  /** What the disk says it has free, instead of the truth. */
  readonly freeBytes: number | undefined
  readonly #rules: ReadonlyMap<FaultyCall, Rule>
  readonly #random: SeededRandom
  readonly #calls = new Map<FaultyCall, { seen: number; failed: number }>()

  private constructor(seed: number, freeBytes: number | undefined, rules: ReadonlyMap<FaultyCall, Rule>) {
    this.freeBytes = freeBytes
    this.#rules = rules
    this.#random = new SeededRandom(seed)
  }

  /**
   * `{"seed": 1, "freeBytes": 0, "write": {"code": "IO", "percent": 50, "after": 10, "times": 5, "torn": true,
   * "delayMs": 100}, …}`, all of it optional. No text: no faults.
   *
   * @throws LeasefsError INVALID_ARGUMENT
   */
  static parse(text: string): FaultPlan {
    const { seed, freeBytes, ...calls } = objectOf(parseJson(text.trim() || '{}'), 'the plan')
    const rules = Object.entries(calls).map(([call, rule]) => {
      if (!isOneOf(faultyCalls, call)) throw invalid(`"${call}" is none of ${faultyCalls.join(', ')}`)
      return [call, ruleOf(call, objectOf(rule, call))] as const
    })
    return new FaultPlan(
      wholeNumber('seed', seed, 1, 2 ** 32 - 1),
      freeBytes === undefined ? undefined : wholeNumber('freeBytes', freeBytes, 0, Number.MAX_SAFE_INTEGER),
      new Map(rules),
    )
  }

  /** What happens to the next call of that kind. */
  next(call: FaultyCall): Fault {
    const rule = this.#rules.get(call)
    if (!rule) return noFault
    const { percent, after, times, delayMs, code, torn } = rule
    const calls = this.#calls.get(call) ?? { seen: 0, failed: 0 }
    this.#calls.set(call, calls)
    const isDue = calls.seen++ >= after && calls.failed < times && this.#random.next() * 100 < percent
    if (!code || !isDue) return { ...noFault, delayMs }
    calls.failed++
    return { delayMs, code, torn }
  }
}

function ruleOf(call: FaultyCall, fields: Record<string, unknown>): Rule {
  const { code, percent, after, times, torn = false, delayMs, ...rest } = fields
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) throw invalid(`"${unknown}" of "${call}" is not known`)
  if (code !== undefined && !isOneOf(faultCodes, code)) throw invalid(`the code of "${call}" is none of ${faultCodes}`)
  if (typeof torn !== 'boolean') throw invalid(`"torn" of "${call}" is neither true nor false`)
  return {
    code,
    torn,
    percent: wholeNumber(`"percent" of "${call}"`, percent, 100, 100),
    after: wholeNumber(`"after" of "${call}"`, after, 0, countMax),
    times: wholeNumber(`"times" of "${call}"`, times, countMax, countMax),
    delayMs: wholeNumber(`"delayMs" of "${call}"`, delayMs, 0, delayMsMax),
  }
}

function wholeNumber(name: string, value: unknown, byDefault: number, max: number): number {
  if (value === undefined) return byDefault
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max) return value as number
  throw invalid(`${name} is no whole number from 0 to ${max}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (reason) {
    throw invalid((reason as Error).message)
  }
}

function objectOf(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw invalid(`${name} is no object`)
}

function isOneOf<T>(values: readonly T[], value: unknown): value is T {
  return (values as readonly unknown[]).includes(value)
}

function invalid(why: string): LeasefsError {
  return new LeasefsError('INVALID_ARGUMENT', `not a plan of faults: ${why}`)
}
