// A process that mounts a file system in memory on the directory it is given,
// says so on stdout, and unmounts on SIGTERM: run as another user by tests.

import { SystemClock } from '../../../src/base/clock.js'
import { openLog } from '../../../src/base/log.js'
import { mount } from '../../../src/fuse/mount.js'
import { MemoryFileSystem } from '../../fuse/harness/memory-file-system.js'

const mountPoint = process.argv[2] ?? ''
const fileSystem = new MemoryFileSystem(new SystemClock())
const mounted = await mount({ fileSystem, mountPoint, binding: 'auto', log: openLog('serve-memory', 'warn') })
process.on('SIGTERM', () => void mounted.unmount())
process.stdout.write('ready\n')
await mounted.closed
