// File-system semantics by inode, once, for every binding. A binding turns
// what it hears from the kernel into calls of these five and their results
// into answers; what a call means is decided here and in the client.

import type { Logger } from '../base/log.js'
import type { FileSystem } from '../client/file-system.js'
import { AttributeOperations } from './operations/attributes.js'
import { Directories } from './operations/directories.js'
import { Files } from './operations/files.js'
import { Names } from './operations/names.js'
import { Xattrs } from './operations/xattrs.js'

export class Operations {
  readonly fileSystem: FileSystem
  readonly names: Names
  readonly attributes: AttributeOperations
  readonly files: Files
  readonly directories: Directories
  readonly xattrs: Xattrs

  constructor(fileSystem: FileSystem, log: Logger) {
    this.fileSystem = fileSystem
    this.names = new Names(fileSystem)
    this.attributes = new AttributeOperations(fileSystem)
    this.files = new Files(fileSystem, this.names, log)
    this.directories = new Directories(fileSystem)
    this.xattrs = new Xattrs(fileSystem)
  }

  /** After unmounting: releases what is still open and waits until it is flushed. The file system stays open. */
  close(): Promise<void> {
    return this.files.close()
  }
}
