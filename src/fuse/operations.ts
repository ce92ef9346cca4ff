// File-system semantics by inode, once, for every binding. A binding turns
// what it hears from the kernel into calls of these six and their results
// into answers; what a call means is decided here and in the client.

import { type Clock, SystemClock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import { nothingSurvives, type SurvivingMap } from '../base/surviving-map.js'
import type { FileSystem, Ino } from '../client/file-system.js'
import { AccessTimes, type AtimePolicy } from './operations/access-times.js'
import { AttributeOperations } from './operations/attributes.js'
import { Directories } from './operations/directories.js'
import { Files } from './operations/files.js'
import { Locks } from './operations/locks.js'
import { Names } from './operations/names.js'
import { Xattrs } from './operations/xattrs.js'

export type { AtimePolicy }

export interface OperationsOptions {
  readonly clock?: Clock
  /** When reading changes the access time. Default relatime; a mount that may only be read has `noatime`. */
  readonly atime?: AtimePolicy
  /** Where it is kept what is open, for the next process. */
  readonly surviving?: SurvivingMap
}

/** The inodes that an earlier process had open: files and directories. */
export function openBefore({ inherited }: SurvivingMap): Set<Ino> {
  const open = inherited.filter(({ key }) => key.startsWith('file/') || key.startsWith('dir/'))
  return new Set(open.map(({ value }) => (value as { ino: Ino }).ino))
}

export class Operations {
  readonly fileSystem: FileSystem
  readonly names: Names
  readonly attributes: AttributeOperations
  readonly files: Files
  readonly locks: Locks
  readonly directories: Directories
  readonly xattrs: Xattrs

  constructor(
    fileSystem: FileSystem,
    log: Logger,
    { clock = new SystemClock(), atime = 'relatime', surviving = nothingSurvives }: OperationsOptions = {},
  ) {
    const accessTimes = new AccessTimes(fileSystem, clock, atime, log)
    this.fileSystem = fileSystem
    this.names = new Names(fileSystem, accessTimes)
    this.attributes = new AttributeOperations(fileSystem)
    this.files = new Files({ fileSystem, names: this.names, accessTimes, log, surviving })
    this.locks = new Locks(fileSystem)
    this.directories = new Directories(fileSystem, accessTimes, surviving)
    this.xattrs = new Xattrs(fileSystem)
  }

  /** What an earlier process had open is open again, under the same numbers. */
  async resume(): Promise<void> {
    this.directories.resume()
    await this.files.resume()
  }

  /** After unmounting: releases what is still open and waits until it is flushed. The file system stays open. */
  close(): Promise<void> {
    return this.files.close()
  }
}
