// What the calls of one mount share.

import type { Clock } from '../../../base/clock.js'
import type { Logger } from '../../../base/log.js'
import type { Caller } from '../../operations/names.js'
import type { Operations } from '../../operations.js'
import type { UnderwayTable } from '../../underway.js'
import type { HiddenFiles } from './hidden-files.js'
import type { LibfuseMemory } from './libfuse-memory.js'
import type { Paths } from './paths.js'
import type { Threads } from './threads.js'

export interface Context {
  readonly operations: Operations
  readonly paths: Paths
  readonly hidden: HiddenFiles
  /** Owns what is made: fuse-native doesn't say who asks. */
  readonly owner: Caller
  readonly memory: LibfuseMemory | undefined
  readonly threads: Threads
  readonly underway: UnderwayTable
  readonly clock: Clock
  readonly log: Logger
  /** Whether libfuse passes on requests that set only one time; known once it has started. */
  partialTimes: boolean
}
