import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findMaster, removeClusterFile, writeClusterFile } from '../../src/cli/cluster-file.js'

t.test('the master of a running cluster is found in its data directory', async t => {
  const data = t.testdir()
  const master = { host: '127.0.0.1', port: 12_345 }
  await writeClusterFile(data, { master, mountPoint: '/m' })
  t.same(await findMaster(data), master)

  await removeClusterFile(data)
  await removeClusterFile(data)
  t.notSame(await findMaster(data), master)
})

t.test('a damaged file is no answer', async t => {
  const data = t.testdir()
  for (const text of ['', '{}', '{"master":"x"}', '[]', 'null']) {
    writeFileSync(join(data, 'cluster.json'), text)
    t.match(await findMaster(data), { port: Number }, text)
  }
})
