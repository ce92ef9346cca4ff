// Operations on a file system in memory, with time standing still, and directories in small pages.

import { silentLog } from '../../../src/base/log.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import type { Ino } from '../../../src/client/file-system.js'
import { rootIno } from '../../../src/constants.js'
import { Operations, type OperationsOptions } from '../../../src/fuse/operations.js'
import { MemoryFileSystem } from './memory-file-system.js'

export const root = rootIno as Ino
export const caller = { uid: 1000, gid: 1001 }
export const name = (text: string) => Buffer.from(text)

export function memoryOperations(options: Omit<OperationsOptions, 'clock'> = {}) {
  const clock = new SimulatedClock()
  const fileSystem = new MemoryFileSystem(clock, { pageEntries: 4 })
  return { clock, fileSystem, operations: new Operations(fileSystem, silentLog, { clock, ...options }) }
}
