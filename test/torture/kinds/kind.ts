// A kind of round: what happens to the cluster in it.

import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../../../src/base/random.js'
import type { Roles, Stage } from '../stage.js'

/** What a round is about: chosen by chance, the same for the same seed and round. */
export interface Target extends Roles {
  readonly stage: Stage
  readonly random: Random
  /** A file, whose chunk the roles are of, and a mount that writes it. */
  readonly path: string
  readonly mount: number
}

export interface Fault {
  /** For people: what was done to whom. */
  readonly what: string
  readonly holdMs: number
  begin(): Promise<void>
  /** All is as it was before. */
  end(): Promise<void>
}

export type Kind = (target: Target) => Fault

/** A chunkserver serves for so long after it last heard from the master, a client uses what it cached. */
const leaseMs = 3000

/** Over before anyone concludes anything, or after all have. */
export function shorterOrLonger(random: Random): number {
  return random.next() < 0.6 ? between(random, 200, 1500) : between(random, leaseMs + 200, leaseMs + 900)
}

export function between(random: Random, from: number, to: number): number {
  return Math.floor(from + random.next() * (to - from))
}

/** For what a fault is held. */
export async function hold(fault: Fault): Promise<void> {
  await fault.begin()
  try {
    await delay(fault.holdMs)
  } finally {
    await fault.end()
  }
}
