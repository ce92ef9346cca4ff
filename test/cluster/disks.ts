// Disks of chunkservers that fail, under a mount that is written to and read
// from.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cannotMount, startCluster } from './harness.js'

t.test('one failing disk of three is noticed by nobody who writes or reads', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { faults: true })
  const file = join(cluster.mountPoint, 'file')
  writeFileSync(file, 'before', { flush: true })
  const [before] = (await cluster.locate(file)).chunks
  const secondary = cluster.chunkservers.findIndex((_, i) => cluster.serverId(i) !== before?.lease?.primary)
  cluster.setFaults(secondary, { write: { code: 'IO' } })
  writeFileSync(file, 'while a disk fails', { flush: true })
  t.equal(readFileSync(file, 'utf8'), 'while a disk fails')
  const [after] = (await cluster.locate(file)).chunks
  t.ok((after?.version ?? 0) > (before?.version ?? 0), 'the version was raised')
  const current = after?.replicas.filter(({ stale }) => !stale).map(({ serverId }) => serverId)
  t.notOk(current?.includes(cluster.serverId(secondary)), 'without the one that failed')
})
