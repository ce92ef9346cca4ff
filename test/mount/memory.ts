// The shell suites on a file system in memory: the operations without a cluster. Through fuse-native
// an ordinary user runs them (ordinary-user.ts).

import t from 'tap'
import { shellSuites } from '../suites/mount/index.js'
import { bindingsHere, memoryMount } from './harness/memory-mount.js'

if (!bindingsHere.includes('kernel')) t.plan(0, 'the kernel binding is for root')
else {
  const mount = await memoryMount(t, { binding: 'kernel' })
  shellSuites(t, mount)
  t.test('nothing was logged', async t => t.equal(mount.errors(), ''))
}
