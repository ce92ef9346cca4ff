// The posix suite on a cluster, through the kernel binding: nothing is excepted.

import t from 'tap'
import { cannotMount, startCluster } from '../cluster/harness.js'
import { cannotRunPosix, posixSuite } from '../suites/posix/index.js'

if (cannotMount || cannotRunPosix) t.plan(0, cannotMount || cannotRunPosix || '')
else {
  const cluster = await startCluster(t, { mountArgs: ['--binding', 'kernel'] })
  await posixSuite(t, cluster.mountPoint)
  t.ok(cluster.mounts[0]?.isRunning, 'the mount is still there')
}
