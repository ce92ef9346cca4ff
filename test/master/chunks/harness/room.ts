// A chunk room without a network: sessions are functions of the test.

import { silentLog } from '../../../../src/base/log.js'
import { SeededRandom } from '../../../../src/base/random.js'
import { SimulatedClock } from '../../../../src/base/simulated-clock.js'
import { leaseMs } from '../../../../src/constants.js'
import { openRoom, type Room } from '../../../../src/master/chunks/room.js'
import type { CommandBody } from '../../../../src/master/chunks/servers.js'
import { Attributes } from '../../../../src/wire/gen/common.js'
import type { ClusterId, ServerId } from '../../../../src/wire/ids.js'
import { parseLocation } from '../../../../src/wire/location.js'
import { MemoryChunkTable } from './memory-chunk-table.js'
import { MemoryServerTable } from './memory-server-table.js'

export class TestRoom {
  readonly clock = new SimulatedClock()
  readonly table = new MemoryChunkTable()
  readonly serverTable = new MemoryServerTable()
  /** What happened, in order: events of the trace, commands, invalidations. */
  readonly log: string[] = []
  readonly room: Room

  constructor() {
    const attributes = () => Attributes.decode(new Uint8Array())
    const invalidate = async (ino: number) => {
      this.log.push(`invalidate ${ino}`)
    }
    const options = {
      clusterId: 'the-cluster' as ClusterId,
      table: this.table,
      namespace: {
        ...{ attributes, resolvePath: attributes, invalidate, synced: async () => {}, sessionCount: 0 },
        isDeleted: () => false,
      },
      serverTable: this.serverTable,
      clock: this.clock,
      random: new SeededRandom(1),
      log: silentLog,
      trace: (event: string) => this.log.push(event),
      leaseMs,
    }
    this.room = openRoom(options, new AbortController().signal)
  }

  /** A server that is there and has reported. */
  addServer(text: string, obey: (body: CommandBody) => Promise<void> = async () => {}): ServerId {
    const id = text as ServerId
    const address = { serverId: text, controlAddress: 'h:1', dataAddress: 'h:2', location: `/d/r/${text}` }
    const location = parseLocation(address.location)
    const space = { totalBytes: 2 ** 40, freeBytes: 2 ** 40 }
    const registration = { id, incarnation: 'i', address, location, seenLaterMaster: false, ...space }
    const session = {
      command: async (body: CommandBody) => {
        this.log.push(`${body.$case} ${text}`)
        await obey(body)
      },
      tellGone: (gone: ServerId) => this.log.push(`gone ${gone} ${text}`),
      close: () => this.log.push(`close ${text}`),
    }
    this.room.servers.register(registration, session, this.clock.now())
    this.room.servers.reported(id, session)
    return id
  }
}
