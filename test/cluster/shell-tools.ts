// What people try first on a mount, on a whole cluster. The suites are the ones
// that the binding passes on a file system in memory.

import t from 'tap'
import { thisUser } from '../mount/harness/memory-mount.js'
import { shellSuites } from '../suites/mount/index.js'
import { cannotMount, startCluster, until } from './harness.js'

if (cannotMount) t.plan(0, cannotMount)
else {
  const cluster = await startCluster(t)
  shellSuites(t, { path: cluster.mountPoint, user: thisUser })

  t.test('nothing is missing and nothing below its goal in the end', async t => {
    await until('all chunks are whole', async () => (await cluster.status()).chunksBelowGoal === 0)
    t.equal((await cluster.status()).chunksMissing, 0)
    t.equal(cluster.mounts[0]?.lastLines.includes('"level":50'), false, 'the mount has logged no error')
  })
}
