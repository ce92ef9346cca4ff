// The chunkservers, and what each may still be serving. Bookkeeping only: the
// caller brings the time and carries out what follows.
//
// A server serves while its session is fresh: serverLeaseMs from when it sent
// its last answered heartbeat, by its own clock. The master counts from when it
// answered, so the server always stops first. A closed session proves nothing
// (the network may have cut it): such a server is silent until its lease has
// run out, unless it is known dead before.
//
//   connected ── session closes ──► silent ── lease out, refused ──► dead
//       │ └──── lease out, newer incarnation ───────────────────────► ▲
//       └────── goodbye ──► left
//   and from each: register ──► connected
//
// Invariant: a server that is dead or left serves nothing until it registers again.

import assert from 'node:assert/strict'
import { LeasefsError } from '../../base/errors.js'
import type { Command, Heartbeat } from '../../wire/gen/chunkserver.js'
import type { ServerAddress } from '../../wire/gen/common.js'
import type { ServerId } from '../../wire/ids.js'
import type { Location } from '../../wire/location.js'
import { incarnationsKept, serversMax } from './limits.js'

/** What to tell a server: the body of a Command. */
export type CommandBody = NonNullable<Command['command']>

/** The way to a connected server. */
export interface ServerSession {
  /** Resolves when the server has done it. @throws LeasefsError what the server says, UNAVAILABLE (session closed), TIMEOUT */
  command(body: CommandBody): Promise<void>
  /** Another server is dead or has left. */
  tellGone(server: ServerId): void
  close(reason: LeasefsError): void
}

export type ServerState =
  | {
      readonly kind: 'connected'
      readonly session: ServerSession
      readonly freshUntil: number
      /** Its full report has ended: what it did not name is not there. */
      readonly reported: boolean
      /** When it registered. */
      readonly since: number
    }
  | { readonly kind: 'silent'; readonly until: number }
  | { readonly kind: 'dead' }
  | { readonly kind: 'left' }

export interface Registration {
  readonly id: ServerId
  readonly incarnation: string
  readonly address: ServerAddress
  readonly location: Location
  readonly totalBytes: number
  readonly freeBytes: number
  /** It has seen a master that knew more than this one: it is not to delete anything, nor gets new chunks. */
  readonly seenLaterMaster: boolean
}

/** What a server says of its disk. */
export type ServerHealth = Pick<Heartbeat, 'scrub' | 'disk'>

export interface Server extends Registration {
  readonly state: ServerState
  /** Given to new chunks since the last heartbeat. */
  readonly placedBytes: number
  /** As its last heartbeat has it. */
  readonly health: ServerHealth
  /** When the master last heard from it. */
  readonly heardAt: number
}

/** Of a server as a holder of replicas. `reporting`: connected, but what it holds is not known in full. */
export type Standing = 'serving' | 'reporting' | 'silent' | 'gone'

export class Servers {
  readonly #servers = new Map<ServerId, Server>()
  /** Incarnations that a newer one has replaced. */
  readonly #superseded = new Map<ServerId, string[]>()
  readonly #serverLeaseMs: number

  constructor(serverLeaseMs: number) {
    this.#serverLeaseMs = serverLeaseMs
  }

  get(id: ServerId): Server | undefined {
    return this.#servers.get(id)
  }

  all(): Iterable<Server> {
    return this.#servers.values()
  }

  standing(id: ServerId): Standing {
    const state = this.#servers.get(id)?.state
    if (state?.kind === 'connected') return state.reported ? 'serving' : 'reporting'
    return state?.kind === 'silent' ? 'silent' : 'gone'
  }

  /** Those that have not finished their full report, and since when each has been at it. */
  reporting(): { readonly id: ServerId; readonly since: number }[] {
    return [...this.#servers.values()].flatMap(({ id, state }) => {
      return state.kind === 'connected' && !state.reported ? [{ id, since: state.since }] : []
    })
  }

  /** The way to the server, if it is connected. */
  session(id: ServerId): ServerSession | undefined {
    const state = this.#servers.get(id)?.state
    return state?.kind === 'connected' ? state.session : undefined
  }

  /**
   * A server has come, or come again. Says what that replaces: the session it
   * had, and whether what its last incarnation was doing is over.
   *
   * @throws LeasefsError ALREADY_EXISTS: a newer incarnation has registered, so this one runs on a copy of the
   *   data directory or has been given up; UNAVAILABLE: too many servers
   */
  register(registration: Registration, session: ServerSession, now: number): { old?: ServerSession; died: boolean } {
    const { id, incarnation } = registration
    const known = this.#servers.get(id)
    if (this.#superseded.get(id)?.includes(incarnation)) {
      throw new LeasefsError('ALREADY_EXISTS', `another process has registered as server ${id} since`)
    }
    if (!known && this.#servers.size >= serversMax) this.#forgetOne()
    const died = known !== undefined && known.incarnation !== incarnation
    if (died) this.#supersede(id, known.incarnation)
    const state = {
      kind: 'connected',
      session,
      freshUntil: now + this.#serverLeaseMs,
      reported: false,
      since: now,
    } as const
    this.#servers.set(id, { ...registration, state, placedBytes: 0, heardAt: now, health: known?.health ?? {} })
    return { died, ...(known?.state.kind === 'connected' && { old: known.state.session }) }
  }

  /** A heartbeat is being answered: the server may serve on. */
  heard(
    id: ServerId,
    session: ServerSession,
    space: { totalBytes: number; freeBytes: number },
    now: number,
    health: ServerHealth = {},
  ): void {
    const { server, state } = this.#connected(id, session)
    const fresh = { ...state, freshUntil: now + this.#serverLeaseMs }
    this.#servers.set(id, { ...server, ...space, health, state: fresh, placedBytes: 0, heardAt: now })
  }

  /** Its full report has ended. */
  reported(id: ServerId, session: ServerSession): void {
    const { server, state } = this.#connected(id, session)
    this.#servers.set(id, { ...server, state: { ...state, reported: true } })
  }

  /** False if the session was no longer the server's. */
  sessionClosed(id: ServerId, session: ServerSession): boolean {
    const server = this.#servers.get(id)
    if (server?.state.kind !== 'connected' || server.state.session !== session) return false
    this.#servers.set(id, { ...server, state: { kind: 'silent', until: server.state.freshUntil } })
    return true
  }

  /** It serves nothing any more: refused, replaced, or its lease has run out. */
  gone(id: ServerId, kind: 'dead' | 'left'): void {
    const server = this.#servers.get(id)
    if (server) this.#servers.set(id, { ...server, state: { kind } })
  }

  /** Those whose server lease has run out. */
  overdue(now: number): Server[] {
    return [...this.#servers.values()].filter(({ state }) => {
      if (state.kind === 'connected') return state.freshUntil <= now
      return state.kind === 'silent' && state.until <= now
    })
  }

  /** Counts bytes as taken until the server's next heartbeat. */
  placed(id: ServerId, bytes: number): void {
    const server = this.#servers.get(id)
    if (server) this.#servers.set(id, { ...server, placedBytes: server.placedBytes + bytes })
  }

  /** That server, if this session is its present one. Sessions ask only while they are. */
  #connected(id: ServerId, session: ServerSession) {
    const server = this.#servers.get(id)
    assert(server?.state.kind === 'connected')
    assert(server.state.session === session)
    return { server, state: server.state }
  }

  #supersede(id: ServerId, incarnation: string): void {
    const old = this.#superseded.get(id) ?? []
    this.#superseded.set(id, [...old, incarnation].slice(-incarnationsKept))
  }

  /** Makes room: the server gone that was heard longest ago. */
  #forgetOne(): void {
    const gone = [...this.#servers.values()].filter(({ state }) => state.kind === 'dead' || state.kind === 'left')
    gone.sort((a, b) => a.heardAt - b.heardAt)
    const [oldest] = gone
    if (!oldest) throw new LeasefsError('UNAVAILABLE', `${serversMax} chunkservers are registered already`)
    this.#servers.delete(oldest.id)
    this.#superseded.delete(oldest.id)
  }
}
