// An ordinary user mounts through fusermount, and has the same file system.

import t from 'tap'
import { shellSuites } from '../suites/mount/index.js'
import { memoryMount, openFuseDevice, ordinaryUser, thisUser } from './harness/memory-mount.js'

if (thisUser.uid === 0) openFuseDevice(t)
const mount = await memoryMount(t, { user: thisUser.uid === 0 ? ordinaryUser : thisUser })
shellSuites(t, mount)
t.test('nothing was logged', async t => t.equal(mount.errors(), ''))
