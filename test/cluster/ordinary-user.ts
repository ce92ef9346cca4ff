// An ordinary user runs a cluster, mounts it through fusermount, and has the same
// file system.

import t from 'tap'
import { openFuseDevice, ordinaryUser, thisUser } from '../mount/harness/memory-mount.js'
import { fileSuite } from '../suites/mount/files.js'
import { startCluster } from './harness.js'

// Who is an ordinary user has run all this in shell-tools.ts.
if (thisUser.uid !== 0) t.plan(0, 'only root can become another user')
else {
  openFuseDevice(t)
  const cluster = await startCluster(t, { user: ordinaryUser })
  // Names, trees, git: in memory as this user (test/mount/ordinary-user.ts), on a cluster as root (shell-tools.ts).
  fileSuite(t, { path: cluster.mountPoint, user: ordinaryUser })
}
