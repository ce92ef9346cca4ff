import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { setAside, unpackNewest } from '../../../src/master/snapshots/rebuild.js'
import { seal } from '../../../src/master/snapshots/snapshot-file.js'
import type { ClusterId } from '../../../src/wire/ids.js'
import { clusterId } from '../harness/client.js'

async function snapshot(directory: string, index: number) {
  const path = join(directory, String(index))
  writeFileSync(path, `state ${index}`)
  await seal(path, { clusterId, index, takenMs: 0 })
  return { path, index }
}

t.test('the newest that is whole is taken, and the damaged ones are named', async t => {
  const directory = t.testdir()
  const all = [await snapshot(directory, 1), await snapshot(directory, 2), await snapshot(directory, 3)]
  writeFileSync(join(directory, '3'), 'nonsense')
  const { from, damaged } = await unpackNewest(all, directory, clusterId, silentLog)
  t.equal(from?.index, 2)
  t.match(damaged, [{ snapshot: { index: 3 }, error: { code: 'CORRUPT' } }])
  t.equal(readFileSync(join(directory, 'data.mdb'), 'utf8'), 'state 2')
  await setAside(damaged.map(each => each.snapshot))
  t.ok(existsSync(join(directory, '3.damaged')))
})

t.test('without a good one nothing is put there', async t => {
  const directory = t.testdir({ 1: 'nonsense' })
  const all = [{ path: join(directory, '1'), index: 1 }]
  t.match(await unpackNewest(all, directory, clusterId, silentLog), { from: undefined, damaged: [{}] })
  t.notOk(existsSync(join(directory, 'data.mdb')))
})

t.test('one of another cluster is not passed over', async t => {
  const directory = t.testdir()
  const all = [await snapshot(directory, 1)]
  const other = clusterId.replace(/^./, 'f') as ClusterId
  await t.rejects(unpackNewest(all, directory, other, silentLog), { code: 'WRONG_CLUSTER' })
})
