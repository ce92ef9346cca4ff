// A process that mounts a file system in memory on the directory it is given,
// with the options it is given (MemoryMountOptions as JSON), says so on stdout,
// and unmounts on SIGTERM: run as another user by tests.

import { SystemClock } from '../../../src/base/clock.js'
import { openLog } from '../../../src/base/log.js'
import { mount } from '../../../src/fuse/mount.js'
import { MemoryFileSystem } from '../../fuse/harness/memory-file-system.js'

const [, , mountPoint = '', options = '{}'] = process.argv
const fileSystem = new MemoryFileSystem(new SystemClock())
const log = openLog('serve-memory', 'warn')
const mounted = await mount({ fileSystem, mountPoint, binding: 'auto', log, ...JSON.parse(options) })
process.on('SIGTERM', () => void mounted.unmount())
process.stdout.write('ready\n')
await mounted.closed
