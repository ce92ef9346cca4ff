// The order in which data goes from replica to replica: the one nearest to the
// sender first, then the one nearest to that, and so on, whoever is the primary
// (GFS section 3.2). Distance comes from location labels alone.

import { crc32 } from '@node-rs/crc32'
import { distance, type Location } from '../wire/location.js'

export interface Located {
  readonly serverId: string
  readonly location: Location
}

/**
 * All of `servers`, each the nearest of the rest to the one before it. Without
 * a location of its own the sender is equally far from all. Among equals the
 * `seed` decides, so that different chunks spread over equal servers and one
 * chunk always takes the same way.
 */
export function orderChain<Server extends Located>(
  from: Location | undefined,
  servers: readonly Server[],
  seed: number,
): Server[] {
  const rest = servers.map(server => ({ server, rank: crc32(`${seed}:${server.serverId}`) }))
  const chain: Server[] = []
  let last = from
  while (rest.length > 0) {
    const near = (candidate: Server) => (last ? distance(last, candidate.location) : 0)
    rest.sort((a, b) => near(a.server) - near(b.server) || a.rank - b.rank)
    const next = rest.shift()?.server
    if (!next) break
    chain.push(next)
    last = next.location
  }
  return chain
}
