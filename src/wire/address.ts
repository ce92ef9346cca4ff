// "host:port", as options and messages carry it. IPv6 hosts stand in brackets.

import { LeasefsError } from '../base/errors.js'

export interface Address {
  readonly host: string
  readonly port: number
}

/** @throws LeasefsError INVALID_ARGUMENT */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || !(port <= 65_535)) {
    throw new LeasefsError('INVALID_ARGUMENT', `bad address "${text}": expected HOST:PORT`)
  }
  return { host, port }
}

export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
