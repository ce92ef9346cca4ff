// What a mount says of itself to who asks on its host, and how that is read:
// who asks may be root, and the process that answers anyone's.

import { LeasefsError } from '../../base/errors.js'
import type { ClientState, TimedWait } from '../../client/client-state.js'
import type { Underway } from '../../fuse/underway.js'
import { printable } from '../printable.js'
import { operationsListedMax, textLengthMax } from './limits.js'

export interface MountState extends ClientState {
  readonly mountPoint: string
  readonly pid: number
  readonly binding: string
  /** Not answered yet: the oldest first; not all, if there are many. */
  readonly operations: readonly Operation[]
  readonly operationCount: number
}

export type Operation = Omit<Underway, 'since' | 'ino'> & { readonly ino?: number; readonly ageMs: number }

/** How a mount ended, told to those who are connected at that time. */
export interface MountEnd {
  /** Taken from programs while the mount lasted, and given up. */
  readonly lostBytes: number
  /** Why not everything was written, if so. */
  readonly failure?: string
}

/** What one answer carries. */
export type Answer = { readonly state: MountState } | { readonly end: MountEnd }

export interface MountParts {
  readonly mountPoint: string
  readonly pid: number
  readonly binding: string
  readonly client: ClientState
  readonly underway: Iterable<Underway>
}

export function mountState({ client, underway, ...mount }: MountParts, now: number): MountState {
  const all = [...underway].sort((a, b) => a.since - b.since)
  const operations = all.slice(0, operationsListedMax).map(({ since, ...operation }) => ({
    ...operation,
    ageMs: Math.max(0, Math.round(now - since)),
  }))
  return { ...mount, ...client, operations, operationCount: all.length }
}

/** @throws LeasefsError INVALID_ARGUMENT: it is none */
export function readAnswer(line: string): Answer {
  const { state, end } = fieldsOf(parsed(line))
  if (end !== undefined) return { end: readEnd(fieldsOf(end)) }
  return { state: readState(fieldsOf(state)) }
}

type Fields = Readonly<Record<string, unknown>>

function readState(fields: Fields): MountState {
  const count = (name: string) => countIn(fields, name)
  const text = (name: string) => textIn(fields, name)
  return {
    ...{ mountPoint: text('mountPoint'), pid: count('pid'), binding: text('binding') },
    ...{ clusterId: text('clusterId'), session: count('session'), master: text('master') },
    connected: fields.connected === true,
    ...{ standingMs: count('standingMs'), silentMs: count('silentMs'), ...optional(fields, 'reason', textIn) },
    ...{ dirtyBytes: count('dirtyBytes'), lostBytes: count('lostBytes'), errorsUntold: count('errorsUntold') },
    ...{ openInodes: count('openInodes'), waitCount: count('waitCount'), operationCount: count('operationCount') },
    waits: listIn(fields, 'waits').map(readWait),
    operations: listIn(fields, 'operations').map(readOperation),
  }
}

function readWait(fields: Fields): TimedWait {
  const servers = fields.servers
  return {
    ...{ what: textIn(fields, 'what'), waitsFor: textIn(fields, 'waitsFor'), ageMs: countIn(fields, 'ageMs') },
    ...optional(fields, 'leftMs', countIn),
    ...optional(fields, 'ino', countIn),
    ...optional(fields, 'index', countIn),
    ...optional(fields, 'handle', countIn),
    ...(Array.isArray(servers) && { servers: servers.map(server => bounded(String(server))) }),
    ...optional(fields, 'reason', textIn),
  } as unknown as TimedWait // The names that are numbers are not told apart here.
}

function readOperation(fields: Fields): Operation {
  return {
    ...{ operation: textIn(fields, 'operation'), ageMs: countIn(fields, 'ageMs') },
    ...optional(fields, 'ino', countIn),
    ...optional(fields, 'path', textIn),
    ...optional(fields, 'pid', countIn),
  }
}

function readEnd(fields: Fields): MountEnd {
  return { lostBytes: countIn(fields, 'lostBytes'), ...optional(fields, 'failure', textIn) }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw malformed('a line')
  }
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw malformed('a value')
  return value as Fields
}

function countIn(fields: Fields, name: string): number {
  const value = fields[name]
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw malformed(name)
  return Number(value)
}

function textIn(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw malformed(name)
  return bounded(value)
}

function listIn(fields: Fields, name: string): Fields[] {
  const value = fields[name]
  if (!Array.isArray(value)) throw malformed(name)
  return value.map(fieldsOf)
}

function optional<Name extends string, T>(
  fields: Fields,
  name: Name,
  read: (fields: Fields, name: string) => T,
): { readonly [N in Name]?: T } {
  if (fields[name] === undefined) return {}
  return { [name]: read(fields, name) } as { readonly [N in Name]: T }
}

function bounded(text: string): string {
  return printable(text.slice(0, textLengthMax))
}

function malformed(what: string): LeasefsError {
  return new LeasefsError('INVALID_ARGUMENT', `the mount said something else than was expected: ${what}`)
}
