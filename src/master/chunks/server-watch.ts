// Finds out which chunkservers serve nothing any more.
//
// A server whose session closed is asked at its port: refused means that the
// process is gone. Whoever has said nothing for the length of a server lease
// has stopped by its own clock, and must register again before it serves.

import type { ControlNetwork } from '../../rpc/control-network.js'
import { parseAddress } from '../../wire/address.js'
import type { ServerId } from '../../wire/ids.js'
import { expiredLeasesMax, probePauseMs, probeTimeoutMs, reportMsMax, watchLateMs, watchMs } from './limits.js'
import { endServer, orderLost, type Room, traceLease } from './room.js'

export class ServerWatch {
  readonly #room: Room
  readonly #network: ControlNetwork
  readonly #probing = new Set<ServerId>()
  #lookedAt: number

  constructor(room: Room, network: ControlNetwork) {
    this.#room = room
    this.#network = network
    this.#lookedAt = room.clock.now()
  }

  /** A duty: ends the servers whose lease has run out, and the chunk leases that have. */
  look(): void {
    const { clock, servers, leases } = this.#room
    const now = clock.now()
    for (const lease of leases.expire(now, expiredLeasesMax)) {
      traceLease(this.#room, 'lease.expire', lease)
      // One that is there says so itself, if anything was left under way.
      if (servers.standing(lease.primary) !== 'serving') orderLost(this.#room, lease.handle)
    }

    // Heartbeats may have come while this process was held up, and wait to be read: they are given a round.
    const late = now - this.#lookedAt > watchMs + watchLateMs
    this.#lookedAt = now
    if (late) return
    for (const { id } of servers.overdue(now)) endServer(this.#room, id, 'dead', 'its server lease has run out')
    for (const { id, since } of servers.reporting()) {
      if (now - since >= reportMsMax) endServer(this.#room, id, 'dead', 'its report does not end')
    }
  }

  /** A session has closed. Asks the server's port until the server is back, gone, or overdue. */
  async silent(id: ServerId): Promise<void> {
    if (this.#probing.has(id)) return
    this.#probing.add(id)
    while (this.#room.servers.standing(id) === 'silent' && !this.#room.closing.aborted) {
      if (await this.#refused(id)) endServer(this.#room, id, 'dead', 'its port refuses')
      else await this.#pause()
    }
    this.#probing.delete(id)
  }

  /** A client cannot reach the server. Hearsay: looked into only if the port says so too. */
  async inquire(id: ServerId): Promise<void> {
    if (this.#probing.has(id) || this.#room.servers.standing(id) === 'gone') return
    this.#probing.add(id)
    if (await this.#refused(id)) endServer(this.#room, id, 'dead', 'its port refuses')
    this.#probing.delete(id)
  }

  /** True if the process that registered is gone: nobody listens at its port, and it has not registered again meanwhile. */
  async #refused(id: ServerId): Promise<boolean> {
    const before = this.#room.servers.get(id)
    if (!before) return false
    const answer = await this.#network.probe(parseAddress(before.address.controlAddress), probeTimeoutMs)
    const after = this.#room.servers.get(id)
    return answer === 'refused' && after?.incarnation === before.incarnation && after.state.kind === before.state.kind
  }

  async #pause(): Promise<void> {
    try {
      await this.#room.clock.sleep(probePauseMs, this.#room.closing)
    } catch {
      // Aborted: the caller's loop ends on that.
    }
  }
}
