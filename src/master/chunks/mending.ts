// A duty: replicas with damaged blocks get them back from other replicas. The
// server does it itself, block by block, once it is told whom to ask: a block is
// taken if its checksum says that it is what was written, so nobody's mutations
// wait for it.
//
// If others hold something else than what the replica's own checksums say, the
// checksums may be what was damaged: then it is in doubt, and made level with
// the others under a new version.

import { LeasefsError } from '../../base/errors.js'
import { type ChunkHandle, handleText, type ServerId } from '../../wire/ids.js'
import type { ChunkRecord } from '../chunk-table.js'
import type { MendOutcome } from './damages.js'
import { changedTriesMax, mendPauseMs, mendPauseMsMax, mendsAtOnceMax } from './limits.js'
import { mendReplica } from './mend-replica.js'
import type { Room } from './room.js'

export class Mending {
  readonly #room: Room
  /** By server and chunk: those under way, and those that failed, until they may be tried again. */
  readonly #busy = new Map<string, { until: number }>()

  constructor(room: Room) {
    this.#room = room
  }

  look(): void {
    const { damages, table, replicas, clock } = this.#room
    for (const [key, { until }] of this.#busy) if (until <= clock.now()) this.#busy.delete(key)
    let underWay = [...this.#busy.values()].filter(({ until }) => until === Number.POSITIVE_INFINITY).length
    for (const handle of damages.handles()) {
      const record = table.chunk(handle)
      if (!record) damages.dropped(handle)
      if (!record) continue
      for (const server of damages.of(handle).keys()) {
        const version = replicas.versionAt(server, handle)
        if (version === 0) damages.repaired(handle, server)
        const isWanted = version === record.version && version === record.settledVersion
        if (!isWanted || underWay >= mendsAtOnceMax || this.#busy.has(keyOf(server, handle))) continue
        underWay++
        void this.#mend(record, server)
      }
    }
  }

  async #mend(record: ChunkRecord, server: ServerId): Promise<void> {
    const { damages, clock, log } = this.#room
    const { handle } = record
    const key = keyOf(server, handle)
    this.#busy.set(key, { until: Number.POSITIVE_INFINITY })
    try {
      await mendReplica(this.#room, record, server)
      log.info({ server, handle: handleText(handle) }, 'damaged blocks of a replica were restored')
      this.#busy.delete(key)
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      this.#failed(record, server, reason)
      const failures = damages.of(handle).get(server)?.failures ?? 1
      const pauseMs = Math.min(mendPauseMsMax, mendPauseMs * 2 ** Math.min(failures - 1, 16))
      this.#busy.set(key, { until: clock.now() + pauseMs })
    }
  }

  #failed(record: ChunkRecord, server: ServerId, reason: LeasefsError): void {
    const { damages, doubts, log } = this.#room
    const { handle, ino, index } = record
    const before = damages.of(handle).get(server)?.outcome
    const outcome = outcomeOf(reason)
    damages.failed(handle, server, outcome)
    const known = damages.of(handle).get(server)
    const details = { server, handle: handleText(handle), ino, index, blocks: known?.blocks, err: reason }
    if (outcome === 'CORRUPT' && before !== 'CORRUPT') log.error(details, 'no replica has some blocks of a file')
    else log.warn(details, 'a damaged replica was not restored')
    // Once: it stays in doubt until it is level.
    if (outcome !== 'CHANGED' || known?.failures !== changedTriesMax) return
    if (this.#hasWholeOne(record)) doubts.reported(handle, server)
  }

  /** There is a replica that the damaged one can be made level with. */
  #hasWholeOne({ handle, version }: ChunkRecord): boolean {
    const { replicas, damages, doubts, servers } = this.#room
    return replicas.of(handle).some(at => {
      const isSound = !damages.concerns(handle, at.server) && !doubts.concerns(handle, at.server)
      return at.version === version && isSound && servers.standing(at.server) === 'serving'
    })
  }
}

function keyOf(server: ServerId, handle: ChunkHandle): string {
  return `${server} ${handle}`
}

function outcomeOf({ code }: LeasefsError): MendOutcome {
  return code === 'CORRUPT' || code === 'CHANGED' ? code : 'UNAVAILABLE'
}
