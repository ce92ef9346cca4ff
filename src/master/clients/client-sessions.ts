// The clients of the master: their sessions from hello to end, and telling
// them of one another's changes (docs/PROTOCOL.md, "Client sessions").
//
// A session is journaled when it begins and when it ends. It ends when its
// client says goodbye, or has had no stream for `sessionMs`.

import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import type { Logger } from '../../base/log.js'
import { LogLimit, type Warner } from '../../base/log-limit.js'
import { clientLeaseMs, sessionMs } from '../../constants.js'
import { type Handler, stream } from '../../rpc/control-network.js'
import { MasterService } from '../../wire/gen/services.js'
import type { Origin } from '../../wire/gen/state.js'
import type { ClusterId, Ino, SessionId } from '../../wire/ids.js'
import type { Committed, Executor } from '../executor.js'
import { checkSessionEnd, checkSessionStart } from '../ops/session.js'
import type { State } from '../state/state.js'
import { CacheLease } from './cache-lease.js'
import { ClientSession, type ClientStream } from './client-session.js'
import { type Reception, receiveClient } from './greeting.js'
import { Interest } from './interest.js'
import { descriptionLengthMax, endRetryMs, sessionsMax } from './limits.js'
import type { Requests } from './requests.js'

export interface ClientSessionsOptions {
  readonly clusterId: ClusterId
  readonly state: State
  readonly executor: Executor
  readonly requests: Requests
  /** How long a session outlives its stream. */
  readonly sessionMs?: number | undefined
  readonly clock: Clock
  readonly log: Logger
}

export class ClientSessions implements Reception {
  readonly clusterId: ClusterId
  readonly clock: Clock
  readonly warner: Warner
  readonly #options: ClientSessionsOptions
  readonly #sessionMs: number
  readonly #interest = new Interest<CacheLease>()
  readonly #sessions = new Map<SessionId, ClientSession>()
  /** Sessions from before a restart that may still have anything cached. */
  readonly #unknown = new Set<CacheLease>()
  /** Calls off what is to happen to a session without a stream. */
  readonly #timers = new Map<SessionId, () => void>()
  /** Sessions on their way into the journal. */
  #beginning = 0
  #closed = false

  /** Goes on with the sessions in the state. */
  constructor(options: ClientSessionsOptions) {
    const { clusterId, clock, log, state } = options
    this.clusterId = clusterId
    this.clock = clock
    this.warner = new LogLimit(log, clock)
    this.#options = options
    this.#sessionMs = options.sessionMs ?? sessionMs
    for (const { id } of state.sessions.list()) {
      const session = this.#add(id)
      this.#unknown.add(session.lease)
      this.#later(id, this.#sessionMs, () => this.#end(id, 'expired'))
    }
  }

  handler(): Handler {
    return stream(MasterService.clientSession, (opened: ClientStream) => receiveClient(opened, this))
  }

  get count(): number {
    return this.#sessions.size
  }

  /** To be called as a change commits: tells the others what it touched. Resolves when none may use what it cached of it. */
  committed(committed: Committed, origin: Origin | undefined): Promise<void> | undefined {
    const actor = origin && this.#sessions.get(origin.sessionId as SessionId)
    const { touched, aside = [] } = committed.kind === 'applied' ? committed.outcome : { touched: [] }
    const concerned = aside.length > 0 ? [...touched, ...aside] : touched
    // A change that is answered again may have been cut short before the others were told.
    const told = concerned.length > 0 || committed.kind === 'repeated'
    const waits = told ? this.#invalidate(concerned, actor?.lease) : []
    // It is not waited for: the client hears of it before it hears of the answer.
    if (aside.length > 0) void actor?.lease.invalidate(aside)
    if (origin) actor?.committed(origin.number, touched, committed)
    this.#options.requests.committed(committed, origin)
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => {})
  }

  /** Takes back what every session has cached about an inode; resolves when none may use it any more. */
  async invalidate(ino: Ino): Promise<void> {
    await Promise.all(this.#invalidate([ino], undefined))
  }

  async begin(description: string): Promise<ClientSession> {
    if (this.#sessions.size + this.#beginning >= sessionsMax) {
      throw new LeasefsError('UNAVAILABLE', `there are ${sessionsMax} client sessions`)
    }
    const text = description.slice(0, descriptionLengthMax)
    let id = 0
    this.#beginning++
    try {
      await this.#options.executor.submit(state => {
        id = state.meta.current.nextSessionId
        return checkSessionStart(state, text)
      })
    } finally {
      this.#beginning--
    }
    this.#options.log.info({ sessionId: id, description: text }, 'a client session begins')
    return this.#add(id as SessionId)
  }

  resume(id: SessionId): ClientSession {
    const session = this.#sessions.get(id)
    if (!session) throw new LeasefsError('SESSION_LOST', `session ${id} has ended`)
    this.#callOff(id)
    this.#unknown.delete(session.lease)
    return session
  }

  lost({ id }: ClientSession, reason: LeasefsError): void {
    if (this.#closed || !this.#sessions.has(id)) return
    this.#options.log.info({ sessionId: id, reason: reason.message }, 'a client has gone silent')
    this.#later(id, this.#sessionMs, () => this.#end(id, 'expired'))
  }

  leave({ id }: ClientSession): void {
    this.#end(id, 'left')
  }

  /** Ends every stream. The sessions stay in the state: their clients find them at the next start. */
  close(): void {
    this.#closed = true
    for (const id of [...this.#timers.keys()]) this.#callOff(id)
    for (const session of this.#sessions.values())
      session.end(new LeasefsError('UNAVAILABLE', 'the master is stopping'))
  }

  #add(id: SessionId): ClientSession {
    const { requests, clock, log } = this.#options
    const lease = new CacheLease({ clock, leaseMs: clientLeaseMs, interest: this.#interest })
    const session = new ClientSession({ id, lease, requests, log })
    this.#sessions.set(id, session)
    return session
  }

  /** Ends the session, in the journal as well; what it had open is let go of there. */
  #end(id: SessionId, how: 'left' | 'expired'): void {
    const session = this.#sessions.get(id)
    this.#callOff(id)
    this.#sessions.delete(id)
    if (session) {
      this.#unknown.delete(session.lease)
      session.end()
    }
    this.#options.executor
      .submit(state => checkSessionEnd(state, id, how === 'expired'))
      .then(
        () => this.#options.log.info({ sessionId: id }, 'a client session has ended'),
        reason => {
          if (this.#closed || LeasefsError.from(reason).code === 'SESSION_LOST') return
          this.#options.log.warn({ err: reason, sessionId: id }, 'the end of a client session is not journaled yet')
          this.#later(id, endRetryMs, () => this.#end(id, how))
        },
      )
  }

  #later(id: SessionId, ms: number, run: () => void): void {
    this.#callOff(id)
    this.#timers.set(id, this.clock.after(ms, run))
  }

  #callOff(id: SessionId): void {
    this.#timers.get(id)?.()
    this.#timers.delete(id)
  }

  #invalidate(touched: readonly Ino[], actor: CacheLease | undefined): Promise<void>[] {
    const concerned = new Map<CacheLease, Ino[]>()
    for (const ino of touched) {
      for (const lease of this.#interest.holders(ino)) {
        if (lease === actor) continue
        const inos = concerned.get(lease)
        if (inos) inos.push(ino)
        else concerned.set(lease, [ino])
      }
    }
    const waits = Array.from(concerned, ([lease, inos]) => lease.invalidate(inos))
    for (const lease of this.#unknown) {
      if (!lease.unknown) this.#unknown.delete(lease)
      else if (lease !== actor) waits.push(lease.unknown)
    }
    return waits.filter(wait => wait !== undefined)
  }
}
