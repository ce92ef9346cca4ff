// The shell suites on a file system in memory: each binding and the operations without a cluster.

import t from 'tap'
import { shellSuites } from '../suites/mount/index.js'
import { bindingsHere, memoryMount } from './harness/memory-mount.js'

for (const binding of bindingsHere) {
  t.test(binding, async t => {
    const mount = await memoryMount(t, { binding })
    shellSuites(t, mount)
    t.test('nothing was logged', async t => t.equal(mount.errors(), ''))
  })
}
