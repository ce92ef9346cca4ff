import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openDataDirectory } from '../../../src/base/data-directory.js'
import { silentLog } from '../../../src/base/log.js'
import { SeededRandom } from '../../../src/base/random.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import { formatVersion } from '../../../src/constants.js'
import { restoreBackup } from '../../../src/master/snapshots/restore.js'
import { openStorage } from '../../../src/master/storage.js'
import { clusterId } from '../harness/client.js'
import { Namespace, root } from '../harness/namespace.js'

const common = { clusterId, clock: new SimulatedClock(), random: new SeededRandom(1), log: silentLog }

/** A snapshot after one file, of a master that has made another since. */
async function backup(t: Test): Promise<{ path: string; index: number; directory: string }> {
  const directory = t.testdir()
  const storage = await openStorage({ ...common, directory: join(directory, 'master') })
  const fs = await Namespace.open({ journal: storage.journal, state: storage.state })
  await fs.make(root, 'before')
  const snapshot = await storage.snapshots?.take()
  await fs.make(root, 'after')
  await storage.close()
  return { path: snapshot?.path ?? '', index: snapshot?.index ?? 0, directory }
}

t.test('a directory made of a backup is that of the master then, and is not taken for one that crashed', async t => {
  const { path, index, directory } = await backup(t)
  const restored = join(directory, 'restored')
  const dataDirectory = await openDataDirectory(restored, 'master', { formatVersion })
  t.match(await restoreBackup(path, dataDirectory), { clusterId, index })
  t.equal(dataDirectory.identity.clusterId, clusterId)
  await t.rejects(restoreBackup(path, dataDirectory), { code: 'ALREADY_EXISTS' })
  await dataDirectory.close()

  const storage = await openStorage({ ...common, directory: restored })
  t.equal(storage.recordsLost, false, 'so it says nothing of its own accord of what it lacks')
  t.equal(storage.journal.lastIndex, index)
  t.ok(storage.state.dentries.find(root, Buffer.from('before')))
  t.notOk(storage.state.dentries.find(root, Buffer.from('after')))
  t.equal(storage.snapshots?.newest?.index, index)
  await storage.close()
})

t.test('a damaged backup is restored nowhere', async t => {
  const { path, directory } = await backup(t)
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(9000) ^ 1, 9000)
  writeFileSync(path, bytes)
  const restored = join(directory, 'restored')
  const dataDirectory = await openDataDirectory(restored, 'master', { formatVersion })
  await t.rejects(restoreBackup(path, dataDirectory), { code: 'CORRUPT' })
  t.notOk(existsSync(join(restored, 'state')))
  await dataDirectory.close()
})
