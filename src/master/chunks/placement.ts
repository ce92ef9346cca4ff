// Where the replicas of a new chunk go (GFS section 4.2): on different
// servers, over as many racks and hosts as there are, and more often where
// there is more room. Pure: the same views and the same chance give the same choice.

import assert from 'node:assert/strict'
import { LeasefsError } from '../../base/errors.js'
import type { Random } from '../../base/random.js'
import type { ServerId } from '../../wire/ids.js'
import type { Location } from '../../wire/location.js'
import { freeBytesMin } from './limits.js'

/** A server that takes new chunks. */
export interface Candidate {
  readonly id: ServerId
  readonly location: Location
  /** What is being placed there already is not free any more. */
  readonly freeBytes: number
}

/**
 * Up to `count` servers, the first of which is to be the primary. Fewer if
 * there are not as many with room: the chunk then runs below its goal.
 *
 * @throws LeasefsError UNAVAILABLE (no server at all), NO_SPACE (none with room)
 */
export function placeChunk(candidates: readonly Candidate[], count: number, random: Random): ServerId[] {
  assert(count > 0)
  if (candidates.length === 0) throw new LeasefsError('UNAVAILABLE', 'no chunkserver is connected')
  const left = candidates.filter(({ freeBytes }) => freeBytes >= freeBytesMin)
  if (left.length === 0) throw new LeasefsError('NO_SPACE', `none of ${candidates.length} chunkservers has room`)

  const chosen: Candidate[] = []
  while (chosen.length < count && left.length > 0) {
    const next = byFreeSpace(leastCrowded(left, chosen), random)
    chosen.push(next)
    left.splice(left.indexOf(next), 1)
  }
  assert(new Set(chosen.map(({ id }) => id)).size === chosen.length)
  return chosen.map(({ id }) => id)
}

/** Those whose rack, and then whose host, has the fewest of the replicas chosen so far. */
export function leastCrowded(candidates: readonly Candidate[], chosen: readonly Candidate[]): readonly Candidate[] {
  let best: Candidate[] = []
  let bestCrowd = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const crowd = crowdOf(candidate.location, chosen)
    if (crowd > bestCrowd) continue
    if (crowd < bestCrowd) best = []
    bestCrowd = crowd
    best.push(candidate)
  }
  return best
}

/** How close to the chosen ones something at this location would be. */
export function crowdOf({ dc, rack, host }: Location, chosen: readonly Pick<Candidate, 'location'>[]): number {
  const inRack = chosen.filter(({ location }) => location.dc === dc && location.rack === rack)
  const onHost = inRack.filter(({ location }) => location.host === host)
  return inRack.length * (chosen.length + 1) + onHost.length
}

/** One of them, by lot: twice the free space, twice the chance. */
export function byFreeSpace(candidates: readonly Candidate[], random: Random): Candidate {
  const total = candidates.reduce((sum, { freeBytes }) => sum + freeBytes, 0)
  let lot = random.next() * total
  for (const candidate of candidates) {
    lot -= candidate.freeBytes
    if (lot < 0) return candidate
  }
  const last = candidates.at(-1)
  assert(last)
  return last
}
