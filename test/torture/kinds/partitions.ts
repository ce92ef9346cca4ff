// Parties that can't reach each other.

import { type Fault, type Kind, shorterOrLonger, type Target } from './kind.js'

/** What one party sends to the other, or to all, is lost. */
type Cut = readonly [from: string, to?: string]

export const partitionKinds: Readonly<Record<string, Kind>> = {
  'unplug-chunkserver': target => unplug(target, `chunkserver-${anyReplica(target) + 1}`),
  'unplug-master': target => unplug(target, 'master'),
  'unplug-mount': target => unplug(target, `mount-${target.mount + 1}`),
  'cut-chunkserver-master': target => cut(target, both(`chunkserver-${anyReplica(target) + 1}`, 'master')),
  'cut-primary-secondary': target => {
    const [secondary = 0] = shuffled(target.secondaries, target)
    return cut(target, both(`chunkserver-${target.primary + 1}`, `chunkserver-${secondary + 1}`))
  },
  'cut-mount-primary': target => cut(target, both(`mount-${target.mount + 1}`, `chunkserver-${target.primary + 1}`)),
  'cut-mount-master': target => cut(target, both(`mount-${target.mount + 1}`, 'master')),
  'cut-one-way': target => {
    const parties = ['master', `mount-${target.mount + 1}`, ...replicas(target).map(i => `chunkserver-${i + 1}`)]
    const [from = '', to = ''] = shuffled(parties, target)
    return cut(target, [[from, to]])
  },
  'mute-chunkserver': target => cut(target, [[`chunkserver-${anyReplica(target) + 1}`]]),
}

function unplug({ stage, random }: Target, party: string): Fault {
  const holdMs = shorterOrLonger(random)
  return {
    what: `link of ${party} down for ${holdMs} ms`,
    holdMs,
    begin: () => stage.network.unplug(party),
    end: () => stage.network.plug(party),
  }
}

function cut({ stage, random }: Target, cuts: readonly Cut[]): Fault {
  const holdMs = shorterOrLonger(random)
  return {
    what: `nothing from ${cuts.map(([from, to = 'anyone']) => `${from} to ${to}`).join(', ')} for ${holdMs} ms`,
    holdMs,
    begin: async () => {
      for (const [from, to] of cuts) await stage.network.cut(from, to)
    },
    end: async () => {
      for (const [from, to] of cuts) await stage.network.mend(from, to)
    },
  }
}

function both(one: string, other: string): Cut[] {
  return [
    [one, other],
    [other, one],
  ]
}

function replicas({ primary, secondaries }: Target): number[] {
  return [primary, ...secondaries]
}

function anyReplica(target: Target): number {
  return shuffled(replicas(target), target)[0] ?? 0
}

function shuffled<T>(all: readonly T[], { random }: Target): T[] {
  const ranked = all.map(each => ({ each, rank: random.next() }))
  return ranked.sort((a, b) => a.rank - b.rank).map(({ each }) => each)
}
