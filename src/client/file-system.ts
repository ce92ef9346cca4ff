// The file system by inode: what the FUSE adapter drives, and what the path
// API (client.ts) is built on. Every method rejects with a LeasefsError.

import type { Ino } from '../wire/ids.js'

export type { Ino }

/** An entry's name: any bytes but "/" and NUL, at most 255. */
export type Name = Buffer

/** Seconds and nanoseconds since the epoch; nanos count forward also before 1970. */
export interface Timestamp {
  readonly seconds: number
  readonly nanos: number
}

export type FileKind = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'character-device' | 'block-device'

export interface Attributes {
  readonly ino: Ino
  readonly kind: FileKind
  /** Permission bits, 07777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly nlink: number
  /** With what this mount has written and not yet pushed. */
  readonly size: number
  readonly atime: Timestamp
  readonly mtime: Timestamp
  readonly ctime: Timestamp
  readonly rdev: number
  readonly goal: number
  /** What of the bytes is stored: less than `size` where there are holes. Counted when writes have been applied. */
  readonly allocatedBytes: number
  /** Writes of this client are under way: what is shown may change without a further call, and is not to be kept. */
  readonly unsettled?: true
  /** It is in the trash: it can be read, and nobody changes it. */
  readonly trashed?: true
}

/** What to change; what is absent stays. */
export interface AttributeChanges {
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly size?: number
  readonly atime?: Timestamp | 'now'
  readonly mtime?: Timestamp | 'now'
  /** Takes the set-user-id bit, and the set-group-id bit of what a group may execute. */
  readonly killPrivileges?: boolean
}

/** The program's call that a change is made for: see survival.ts. */
export interface Caused {
  readonly cause?: number | undefined
}

export interface XattrOptions extends Caused {
  readonly createOnly?: boolean
  readonly replaceOnly?: boolean
}

export interface NewInode extends Caused {
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** Who takes a name away: it is told of a file that goes to the trash so. */
export interface Deleter extends Caused {
  readonly uid?: number
}

export interface OpenOptions {
  readonly read: boolean
  readonly write: boolean
  /** Every write goes to the end of the file, wherever that is by then. */
  readonly append?: boolean
  readonly truncate?: boolean
  /** Each write returns only when it is on the disks of all replicas (O_SYNC, O_DSYNC). */
  readonly sync?: boolean
}

export interface Entry {
  readonly name: Name
  readonly attributes: Attributes
}

export interface DirectoryPage {
  readonly entries: readonly Entry[]
  /** Whether there is anything behind the last of them. */
  readonly more: boolean
  readonly parent: Ino
}

export interface Statistics {
  /** What users can store at the default goal. */
  readonly totalBytes: number
  readonly freeBytes: number
  readonly inodes: number
}

/** POSIX: fcntl(2), ranges of a process. flock: flock(2), the whole file, of an open file. */
export type LockKind = 'posix' | 'flock'

/** Bytes [start, end) of a file. */
export interface Lock {
  readonly kind: LockKind
  readonly type: 'shared' | 'exclusive'
  readonly start: number
  /** Infinity: however long the file becomes. */
  readonly end: number
  /** The kernel's name of the process or the open file: 64 bits. Locks of one owner never conflict. */
  readonly owner: bigint
  /** For people, and for F_GETLK. */
  readonly pid: number
}

/** One open of a file. Handles of one inode in one client share what is dirty and what is read ahead. */
export interface OpenFile {
  readonly ino: Ino

  /** Bytes [offset, offset + length), fewer only at the end of the file; pieces that follow one another. */
  read(offset: number, length: number): Promise<readonly Buffer[]>

  /**
   * Takes the bytes (copies them) and resolves when the write-behind buffer has
   * room for them. An error of an earlier write is reported here, or by flush, sync or close: once.
   */
  write(offset: number, data: Buffer, by?: Caused): Promise<void>

  /** Resolves when every write so far has been applied by all replicas, and the size is known to the master. */
  flush(): Promise<void>

  /** As flush, and on the disks of all replicas and of the master. */
  sync(): Promise<void>

  /** [offset, offset + length) reads as zeros from now on, and what of it is whole blocks is not stored any more. The size stays. */
  zero(offset: number, length: number): Promise<void>

  /**
   * Holes in [offset, offset + length) are stored as zeros, so that writing there
   * takes no more space. The size stays: see setAttributes.
   */
  allocate(offset: number, length: number): Promise<void>

  /**
   * The first offset at or after `offset` that is stored, or in a hole; the end of
   * the file counts as a hole. Undefined if there is none, or `offset` is not below the size.
   */
  seek(offset: number, what: 'data' | 'hole'): Promise<number | undefined>

  /** Flushes and lets go. Idempotent; reports an error of a write that no one has seen yet. */
  close(): Promise<void>
}

export interface FileSystem {
  lookup(parent: Ino, name: Name): Promise<Attributes>

  /** Walks the names from `base` on, without following symlinks: the attributes at each step. */
  resolve(base: Ino, names: readonly Name[]): Promise<readonly Attributes[]>

  getAttributes(ino: Ino): Promise<Attributes>
  setAttributes(ino: Ino, changes: AttributeChanges): Promise<Attributes>

  /** Resolves when what was done to the inode so far, or in the directory, is on the master's disk (fsync of a directory). */
  syncInode(ino: Ino): Promise<void>

  /** All entries in byte order, without "." and "..", as they were at some moment during the call. */
  readDirectory(ino: Ino): Promise<{ readonly entries: readonly Entry[]; readonly parent: Ino }>

  /**
   * The next entries after the name `after` (empty: from the start), in byte
   * order. Over a whole listing, whatever stays in the directory meanwhile
   * comes exactly once.
   */
  readDirectoryPage(ino: Ino, after: Name): Promise<DirectoryPage>

  /** The file was read: its access time becomes now, if that is later. Told to the master soon, and not waited for. */
  accessed(ino: Ino): void

  /** Makes (unless it is there and not `exclusive`) and opens a regular file. */
  create(
    parent: Ino,
    name: Name,
    inode: NewInode,
    options: OpenOptions & { readonly exclusive: boolean },
  ): Promise<{ readonly attributes: Attributes; readonly file: OpenFile }>

  open(ino: Ino, options: OpenOptions): Promise<OpenFile>

  makeDirectory(parent: Ino, name: Name, inode: NewInode): Promise<Attributes>
  makeSymlink(parent: Ino, name: Name, target: Buffer, inode: NewInode): Promise<Attributes>
  /** `rdev` is for the two kinds of device. */
  makeNode(parent: Ino, name: Name, kind: FileKind, rdev: number, inode: NewInode): Promise<Attributes>
  readSymlink(ino: Ino): Promise<Buffer>

  link(ino: Ino, parent: Ino, name: Name, by?: Caused): Promise<Attributes>
  unlink(parent: Ino, name: Name, by?: Deleter): Promise<void>
  removeDirectory(parent: Ino, name: Name, by?: Caused): Promise<void>
  rename(
    parent: Ino,
    name: Name,
    newParent: Ino,
    newName: Name,
    options?: { readonly noReplace?: boolean; readonly exchange?: boolean } & Deleter,
  ): Promise<void>

  getXattr(ino: Ino, name: Name): Promise<Buffer>
  setXattr(ino: Ino, name: Name, value: Buffer, options?: XattrOptions): Promise<void>
  listXattrs(ino: Ino): Promise<readonly Name[]>
  removeXattr(ino: Ino, name: Name, by?: Caused): Promise<void>

  /**
   * Takes or changes a lock; resolves when it is held.
   *
   * @throws LeasefsError WOULD_BLOCK (without `wait`), DEADLOCK, NO_LOCKS; CANCELLED when `signal` aborts
   */
  setLock(ino: Ino, lock: Lock, options: { readonly wait: boolean; readonly signal?: AbortSignal }): Promise<void>

  /** Gives up what the owner has locked in [start, end). Locks also end with the session. */
  unlock(ino: Ino, range: Omit<Lock, 'type' | 'pid'>): Promise<void>

  /** A lock of another owner that is in the way of this one. */
  findLock(ino: Ino, lock: Lock): Promise<Lock | undefined>

  /** Whether the owner holds any lock on the file: a close of it need ask no one. */
  holdsLocks(ino: Ino, kind: LockKind, owner: bigint): boolean

  /**
   * How long attributes and entries may be used from now on without asking
   * again, in ms, if nothing is taken back meanwhile (see onInvalidate in
   * ConnectOptions): until the client's lease ends. 0: not at all.
   */
  readonly cacheValidMs: number

  statistics(): Promise<Statistics>

  /** Flushes everything dirty and ends the session. Rejects with the first error that no one has seen. */
  close(): Promise<void>
}
