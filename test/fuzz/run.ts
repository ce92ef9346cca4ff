// Attacks one port after the other, several at a time, until the time is up.
// Who attacks whom follows from the seed; how they fall together does not.

import type { Attack, Outcome, Port } from './attack.js'
import { byteAttacks } from './bytes.js'
import { callAttacks } from './calls.js'
import { Chance } from './chance.js'
import { frameAttacks } from './frames.js'
import { http2Attacks } from './http2.js'
import { delay } from './wire.js'

/** More than enough to meet one another; few enough that daemons still get the processor. */
const atOnce = 6

/** None takes so long unless a daemon says nothing any more. */
const attackMs = 30_000

export const allAttacks: readonly Attack[] = [...byteAttacks, ...frameAttacks, ...http2Attacks, ...callAttacks]

export interface FuzzOptions {
  readonly ports: readonly Port[]
  readonly seed: number
  readonly ms: number
  /** Only attacks whose name contains this. */
  readonly only?: string | undefined
}

export interface Tally {
  readonly name: string
  readonly port: Port['kind']
  runs: number
  readonly outcomes: Record<Outcome, number>
  /** Why an attack could not be made: nobody was listening, for example. */
  readonly failures: string[]
}

/** Each attack at least once on each kind of port it is for, whatever the time. */
export async function fuzz({ ports, seed, ms, only = '' }: FuzzOptions): Promise<Tally[]> {
  const chance = new Chance(seed)
  const pairs = allAttacks
    .filter(({ name }) => name.includes(only))
    .flatMap(attack => attack.ports.map(kind => ({ attack, kind, tally: newTally(attack.name, kind) })))
  const until = performance.now() + ms
  const first = shuffled(pairs, chance)
  const next = () => first.pop() ?? (performance.now() < until ? chance.pick(pairs) : undefined)

  const work = async (own: Chance) => {
    for (let pair = next(); pair; pair = next()) {
      const { attack, kind, tally } = pair
      const port = own.pick(ports.filter(port => port.kind === kind))
      tally.runs++
      try {
        const late = delay(attackMs).then(() => 'kept' as const)
        tally.outcomes[await Promise.race([attack.run(port, own), late])]++
      } catch (reason) {
        tally.failures.push((reason as Error).message)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, () => work(chance.split())))
  return pairs.map(({ tally }) => tally)
}

/** Who should have been thrown out and was not, and what could not be tried. */
export function complaintsOf(tallies: readonly Tally[]): string[] {
  return tallies.flatMap(({ name, port, outcomes, failures }) => [
    ...(outcomes.kept > 0 ? [`${name} (${port}): ${outcomes.kept} were not thrown out`] : []),
    ...(failures.length > 0 ? [`${name} (${port}): ${failures.length} could not be made: ${failures[0]}`] : []),
  ])
}

function newTally(name: string, port: Port['kind']): Tally {
  return { name, port, runs: 0, outcomes: { dropped: 0, answered: 0, kept: 0 }, failures: [] }
}

function shuffled<T>(list: readonly T[], chance: Chance): T[] {
  const rest = [...list]
  return list.map(() => rest.splice(chance.below(rest.length), 1)[0] as T)
}
