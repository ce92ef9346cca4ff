// The posix suite on a cluster, through fuse-native, less the written list of
// what libfuse 2.9 can't say. The list stays true: what is on it and passes fails.

import t from 'tap'
import { cannotMount, startCluster } from '../cluster/harness.js'
import { cannotRunPosix, posixSuite } from '../suites/posix/index.js'

if (cannotMount || cannotRunPosix) t.plan(0, cannotMount || cannotRunPosix || '')
else {
  const cluster = await startCluster(t, { mountArgs: ['--binding', 'fuse-native'] })
  await posixSuite(t, cluster.mountPoint, 'fuse-native.except')
  t.ok(cluster.mounts[0]?.isRunning, 'the mount is still there')
}
