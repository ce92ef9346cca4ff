// Where a replica is copied to, and from. Pure, but for chance.

import type { Random } from '../../../base/random.js'
import type { ServerId } from '../../../wire/ids.js'
import type { Location } from '../../../wire/location.js'
import type { Candidate } from '../placement.js'
import { byFreeSpace, leastCrowded } from '../placement.js'

export interface TargetView {
  /** Servers that take new replicas, and have room for this one. */
  readonly takers: readonly Candidate[]
  /** Servers of the replicas that stay. */
  readonly staying: readonly { readonly server: ServerId; readonly location: Location }[]
  /** Servers with a replica that missed a version: what they have of it need not be copied. */
  readonly stale: ReadonlySet<ServerId>
  /** Good copies there are. */
  readonly copies: number
}

/**
 * A server without a replica of the chunk, in a rack and on a host with as few
 * as can be. One that has a stale replica is preferred, since little is to be
 * copied there; but not while only one good copy is left: then the stale one is
 * the last resort of a person. Undefined if there is none.
 */
export function chooseTarget(view: TargetView, random: Random): ServerId | undefined {
  const { takers, staying, stale, copies } = view
  const holders = new Set(staying.map(({ server }) => server))
  const possible = takers.filter(({ id }) => !holders.has(id))
  if (possible.length === 0) return undefined
  const chosen = staying.map(({ server, location }) => ({ id: server, location, freeBytes: 0 }))
  const spread = leastCrowded(possible, chosen)
  const preferred = spread.filter(({ id }) => stale.has(id) === copies > 1)
  return byFreeSpace(preferred.length > 0 ? preferred : spread, random).id
}
