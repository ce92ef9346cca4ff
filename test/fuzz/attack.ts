// What all attacks have in common.

import type { Address } from '../../src/wire/address.js'
import type { Chance } from './chance.js'
import type { Wire } from './wire.js'

/** A port, and what an attacker has found out about the cluster: all of it can be had by asking. */
export interface Port {
  readonly kind: 'master' | 'chunkserver' | 'data'
  readonly address: Address
  readonly cluster: ClusterFacts
}

export interface ClusterFacts {
  readonly clusterId: string
  /** Of files whose content is known: what changes must not hit them, and everything else may. */
  readonly inos: readonly number[]
  readonly chunks: readonly { readonly handle: number; readonly version: number }[]
  /** Of all data planes. */
  readonly dataAddresses: readonly string[]
}

/**
 * How it ended: `dropped`: the server closed the connection; `answered`: it said what it thinks of it, and
 * is not obliged to close anything; `kept`: it should have closed the connection, and did not in time.
 */
export type Outcome = 'dropped' | 'answered' | 'kept'

export interface Attack {
  readonly name: string
  readonly ports: readonly Port['kind'][]
  run(port: Port, chance: Chance): Promise<Outcome>
}

/** Who sends nonsense is thrown out within this; at once, if the machine has nothing else to do. */
export const dropMs = 15_000

export function dropped(isDropped: boolean): Outcome {
  return isDropped ? 'dropped' : 'kept'
}

/** Sends what no server believes. */
export async function expectDrop(wire: Wire, bytes: Buffer): Promise<Outcome> {
  await wire.send(bytes)
  return dropped(await wire.isDropped(dropMs))
}
