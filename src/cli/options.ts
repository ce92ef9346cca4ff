// The options the commands share, and how their values are read: each is
// checked here, before a command opens anything.

import { hostname } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { LeasefsError } from '../base/errors.js'
import { day, GiB, hour, KiB, MiB, minute, second, TiB } from '../base/units.js'
import { trashDefaultMs } from '../master/trash/limits.js'
import { type Address, parseAddress } from '../wire/address.js'
import { type Location, parseLocation } from '../wire/location.js'

export const masterAddressDefault: Address = { host: '127.0.0.1', port: 7400 }
export const dataDefault = 'leasefs-data'

/** How long a daemon looks for its master at the start. */
export const waitDefaultMs = 10 * second

/** A reader of one option's value, as commander calls it. */
type Read<T> = (text: string) => T

/** Where to listen: port 0 lets the system pick. */
export const listenAddress: Read<Address> = text => checked(() => parseAddress(text))

export const peerAddress: Read<Address> = text => {
  const address = listenAddress(text)
  if (address.port === 0) throw new InvalidArgumentError('Port 0 is no place to connect to.')
  return address
}

export const location: Read<Location> = text => checked(() => parseLocation(text))

/** Unless told otherwise a process is on the host it runs on, in the one rack there is. */
export function locationDefault(): Location {
  return {
    dc: 'default',
    rack: 'default',
    host:
      hostname()
        .replaceAll(/[^A-Za-z0-9._-]/g, '-')
        .slice(0, 64) || 'host',
  }
}

export function wholeNumber(min: number, max: number): Read<number> {
  return text => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`)
  }
}

const unitsMs = { ms: 1, s: second, m: minute, h: hour } as const

/** "250ms", "10s", "5m", "24h", or "0": in milliseconds. */
export function duration(minMs: number, maxMs: number): Read<number> {
  return text => {
    const [, count, unit] = /^(\d{1,9})(ms|s|m|h)$/.exec(text === '0' ? '0ms' : text) ?? []
    const ms = Number(count) * unitsMs[unit as keyof typeof unitsMs]
    if (ms >= minMs && ms <= maxMs) return ms
    throw new InvalidArgumentError(`Expected a time such as 250ms, 10s, 5m or 24h, from ${minMs} to ${maxMs} ms.`)
  }
}

const unitsBytes = { '': 1, KiB, MiB, GiB, TiB } as const

/** "4096", "500MiB", "2TiB": in bytes. */
export const byteCount: Read<number> = text => {
  const [, count, unit] = /^(\d{1,15}) ?(KiB|MiB|GiB|TiB|)$/.exec(text) ?? []
  const bytes = Number(count) * unitsBytes[unit as keyof typeof unitsBytes]
  if (Number.isSafeInteger(bytes)) return bytes
  throw new InvalidArgumentError('Expected a size such as 4096, 500MiB or 2TiB.')
}

/** How long, and how much, a cluster keeps of what is deleted. */
export interface TrashOptions {
  readonly trash: number
  readonly trashBytes: number
}

export function addTrashOptions(command: Command): Command {
  return command
    .option('--trash <time>', 'keep deleted files for so long; 0: not at all', duration(0, 365 * day), trashDefaultMs)
    .option('--trash-bytes <size>', 'keep no more of them than this, the oldest go first; 0: no limit', byteCount, 0)
}

/** Options that every daemon has. */
export interface DaemonOptions {
  readonly logLevel: string
  /** A file to which protocol events are appended. */
  readonly trace?: string
  /** Stop this long after standard input has ended, which it does when whoever started us is gone. */
  readonly exitWithParent?: number
}

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

export const logLevelOption = (level: string) =>
  new Option('--log-level <level>', 'what to log to stderr, as JSON lines').choices(logLevels).default(level)

export function addDaemonOptions(command: Command): Command {
  return command
    .addOption(logLevelOption('info'))
    .option('--trace <file>', 'append protocol events to this file, as JSON lines')
    .addOption(
      new Option('--exit-with-parent <delay>', 'stop when standard input ends').argParser(duration(0, hour)).hideHelp(),
    )
}

function checked<T>(parse: () => T): T {
  try {
    return parse()
  } catch (reason) {
    throw reason instanceof LeasefsError ? new InvalidArgumentError(`${sentence(reason.message)}.`) : reason
  }
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
