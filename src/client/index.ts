// The client as a library: `import { connect } from 'leasefs'`.

// For programs.
export { type ErrorCode, errorCodes, LeasefsError } from '../base/errors.js'
export { Client } from './client.js'
// For those who work with inodes, as the mount does.
export { type ConnectOptions, connect, connectFileSystem } from './connect.js'
export { type Encoding, FileHandle } from './file-handle.js'
export type {
  AttributeChanges,
  Attributes,
  DirectoryPage,
  Entry,
  FileKind,
  FileSystem,
  Lock,
  LockKind,
  Name,
  NewInode,
  OpenFile,
  OpenOptions,
  Statistics,
  Timestamp,
} from './file-system.js'
export { DirectoryEntry, Stats } from './stats.js'
