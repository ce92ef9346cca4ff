// Where a process is in the network: a "/dc/rack/host" label. The nearest
// replica is found by comparing labels, never by asking the network.

import { LeasefsError } from '../base/errors.js'

export interface Location {
  readonly dc: string
  readonly rack: string
  readonly host: string
}

const part = '[A-Za-z0-9._-]{1,64}'
const pattern = new RegExp(`^/(${part})/(${part})/(${part})$`)

/** @throws LeasefsError INVALID_ARGUMENT */
export function parseLocation(text: string): Location {
  const [, dc, rack, host] = pattern.exec(text) ?? []
  if (dc === undefined || rack === undefined || host === undefined) {
    throw new LeasefsError('INVALID_ARGUMENT', `bad location "${text}": expected /dc/rack/host`)
  }
  return { dc, rack, host }
}

export function locationText({ dc, rack, host }: Location): string {
  return `/${dc}/${rack}/${host}`
}

/** 0 on one host, 1 in one rack, 2 in one data center, 3 elsewhere. */
export function distance(a: Location, b: Location): 0 | 1 | 2 | 3 {
  if (a.dc !== b.dc) return 3
  if (a.rack !== b.rack) return 2
  return a.host === b.host ? 0 : 1
}
