// All kinds of rounds, by name.

import { setTimeout as delay } from 'node:timers/promises'
import { damageKinds } from './damage.js'
import { diskKinds } from './disks.js'
import { between, type Fault, type Kind, type Target } from './kind.js'
import { partitionKinds } from './partitions.js'
import { processKinds } from './processes.js'

const calmMs = 500

const single: Readonly<Record<string, Kind>> = { ...processKinds, ...partitionKinds, ...diskKinds, ...damageKinds }

export const kinds: Readonly<Record<string, Kind>> = { calm, ...single, 'two-at-once': two }

/** For comparison: what is wrong here is not a fault's doing. */
function calm(): Fault {
  return { what: 'nothing', holdMs: calmMs, begin: async () => {}, end: async () => {} }
}

/** Two faults, one a little after the other, of different parties. */
function two(target: Target): Fault {
  const names = Object.keys(single).filter(name => !name.includes('-all-'))
  const some = () => single[names[Math.floor(target.random.next() * names.length)] ?? '']?.(target)
  const first = some()
  let second = some()
  while (first && second && sharesParty(first.what, second.what)) second = some()
  if (!first || !second) throw new Error('there are no kinds')
  const faults = [first, second]
  const betweenMs = between(target.random, 0, 600)
  let ended: Promise<unknown> = Promise.resolve()
  return {
    what: faults.map(({ what }) => what).join(`, and ${betweenMs} ms later `),
    holdMs: 0,
    begin: async () => {
      await first.begin()
      const firstEnds = delay(first.holdMs).then(() => first.end())
      await delay(betweenMs)
      await second.begin()
      ended = Promise.all([firstEnds, delay(second.holdMs).then(() => second.end())])
      ended.catch(() => {}) // Whoever ends the fault is told.
    },
    end: async () => void (await ended),
  }
}

/** A party can't be killed and stopped at once. */
function sharesParty(one: string, other: string): boolean {
  const parties = (what: string): readonly string[] => what.match(/\b(master|chunkserver-\d|mount-\d)\b/g) ?? []
  return parties(one).some(party => parties(other).includes(party))
}
