// A ServerTable in memory: what the journaled one does, without a journal.

import type { ServerTable } from '../../../../src/master/server-table.js'
import type { ServerId } from '../../../../src/wire/ids.js'

export class MemoryServerTable implements ServerTable {
  readonly draining = new Set<ServerId>()

  async setDraining(id: ServerId, draining: boolean): Promise<void> {
    await Promise.resolve()
    if (draining) this.draining.add(id)
    else this.draining.delete(id)
  }
}
