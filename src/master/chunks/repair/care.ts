// The care for replicas, put together: repair, emptying servers, evening out
// their use, and what operators ask of them.

import { LeasefsError } from '../../../base/errors.js'
import { type Handler, unary } from '../../../rpc/control-network.js'
import type { RepairStatus } from '../../../wire/gen/admin.js'
import { MasterService } from '../../../wire/gen/services.js'
import type { ChunkHandle, ServerId } from '../../../wire/ids.js'
import type { Room } from '../room.js'
import { serverNamed } from '../server-name.js'
import { Drains } from './drains.js'
import { type Limits, rebalancePercentDefault } from './limits.js'
import { Rebalance } from './rebalance.js'
import { Repairs } from './repairs.js'

export interface CareOptions {
  readonly limits: Limits
  /** Chunks that a client waits for. */
  readonly awaited: () => Iterable<ChunkHandle>
  /** Makes the chunk's replicas level under a version in use. @throws LeasefsError */
  readonly settle: (handle: ChunkHandle) => Promise<void>
}

const percentMax = 50

export class Care {
  readonly #room: Room
  readonly #repairs: Repairs
  readonly #drains: Drains
  readonly #rebalance: Rebalance

  constructor(room: Room, options: CareOptions) {
    this.#room = room
    this.#repairs = new Repairs(room, options)
    this.#drains = new Drains(room, this.#repairs)
    this.#rebalance = new Rebalance(room, this.#repairs)
  }

  /** A duty: begins what is due. */
  step(): void {
    this.#repairs.step()
    this.#drains.step()
    this.#rebalance.step()
  }

  /** Servers have come or gone, or goals have changed. */
  lookAgain(): void {
    this.#repairs.lookAgain()
  }

  handlers(): Handler[] {
    return [
      unary(MasterService.repair, async ({ server }) => {
        this.repairNow(server)
        return { status: this.status() }
      }),
      unary(MasterService.drain, async ({ server, undo }) => {
        const id = await this.drain(server, undo)
        return { serverId: id, drain: undo ? undefined : this.#drains.of(id) }
      }),
      unary(MasterService.rebalance, async ({ percent, stop }) => {
        if (stop) this.#rebalance.stop()
        else this.rebalance(percent)
        return { status: this.#rebalance.status() }
      }),
      unary(MasterService.progress, async () => this.status()),
    ]
  }

  status(): RepairStatus {
    const { tally, slots, queued, withoutTarget } = this.#repairs
    return {
      queued,
      repairs: slots.underWay('repair'),
      drains: slots.underWay('drain'),
      rebalances: slots.underWay('rebalance'),
      bytesPerSecond: tally.bytesPerSecond,
      waitsMs: Math.max(0, Math.ceil(this.#room.absences.holdsUntil - this.#room.clock.now())) || 0,
      withoutTarget,
      copiedReplicas: tally.replicas('repair') + tally.replicas('drain') + tally.replicas('rebalance'),
      copiedBytes: tally.bytes('repair') + tally.bytes('drain') + tally.bytes('rebalance'),
      failedCopies: tally.failures,
      draining: this.#drains.status(),
      rebalance: this.#rebalance.status(),
    }
  }

  /**
   * Nobody waits for the server, or for any, to come back.
   *
   * @throws LeasefsError NOT_FOUND; INVALID_ARGUMENT: it is there
   */
  repairNow(server: string): void {
    const id = server === '' ? undefined : serverNamed(this.#room, server)
    if (id !== undefined && this.#room.servers.session(id)) {
      throw new LeasefsError('INVALID_ARGUMENT', `server ${id} is connected: "leasefs drain" empties it`)
    }
    this.#room.absences.waive(id)
    this.#repairs.hurry()
  }

  /** @throws LeasefsError NOT_FOUND, NO_SPACE, IO, UNAVAILABLE */
  async drain(server: string, undo: boolean): Promise<ServerId> {
    const id = serverNamed(this.#room, server)
    if (this.#room.serverTable.draining.has(id) === undo) {
      this.#room.log.info({ server: id }, undo ? 'the server takes replicas again' : 'the server is being emptied')
      await this.#room.serverTable.setDraining(id, !undo)
      this.#repairs.lookAgain()
    }
    return id
  }

  /** @throws LeasefsError INVALID_ARGUMENT */
  rebalance(percent: number): void {
    if (percent > percentMax)
      throw new LeasefsError('INVALID_ARGUMENT', `within ${percent} percent: at most ${percentMax}`)
    this.#rebalance.start(percent || rebalancePercentDefault)
  }
}
