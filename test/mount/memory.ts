// The shell suites on a file system in memory: the binding and the operations without a cluster.

import t from 'tap'
import { shellSuites } from '../suites/mount/index.js'
import { memoryMount } from './harness/memory-mount.js'

const mount = await memoryMount(t)
shellSuites(t, mount)
t.test('nothing was logged', async t => t.equal(mount.errors(), ''))
