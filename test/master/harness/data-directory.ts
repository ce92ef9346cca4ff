// The data directory of a master that is not running.

import { readFileSync, writeFileSync } from 'node:fs'
import { openDataDirectory } from '../../../src/base/data-directory.js'
import { silentLog } from '../../../src/base/log.js'
import { SystemRandom } from '../../../src/base/random.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { formatVersion } from '../../../src/constants.js'
import { openStorage } from '../../../src/master/storage.js'
import { clusterId } from './client.js'
import { Namespace, root } from './namespace.js'

/** With 30 files, and snapshots after 10 and 20 of them: records 13 to 32 are in the journal, from 23 on in a second segment. */
export async function makeDataDirectory(path: string): Promise<void> {
  const dataDirectory = await openDataDirectory(path, 'master', { formatVersion })
  await dataDirectory.update({ clusterId })
  const clock = new SimulatedClock()
  const storage = await openStorage({ directory: path, clusterId, clock, random: new SystemRandom(), log: silentLog })
  const fs = await Namespace.open({ journal: storage.journal, state: storage.state })
  for (let n = 1; n <= 30; n++) {
    await fs.make(root, `file ${n}`)
    if (n % 10 === 0 && n < 30) await storage.snapshots?.take()
  }
  storage.settleRecords()
  await storage.close()
  await dataDirectory.close()
}

/** Flips one bit of the file. */
export function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  writeFileSync(path, bytes)
}
