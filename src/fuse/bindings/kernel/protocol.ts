// The FUSE protocol of Linux as far as it is spoken here: numbers from
// <linux/fuse.h>, under the kernel's names. Checked against version 7.38;
// later numbers are those of Linux 6.18.

export const opcodes = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  SETXATTR: 21,
  GETXATTR: 22,
  LISTXATTR: 23,
  REMOVEXATTR: 24,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  FSYNCDIR: 30,
  GETLK: 31,
  SETLK: 32,
  SETLKW: 33,
  CREATE: 35,
  INTERRUPT: 36,
  DESTROY: 38,
  BATCH_FORGET: 42,
  FALLOCATE: 43,
  READDIRPLUS: 44,
  RENAME2: 45,
  LSEEK: 46,
} as const

export type OpcodeName = keyof typeof opcodes

const nameOf = new Map<number, OpcodeName>(
  Object.entries(opcodes).map(([name, opcode]) => [opcode, name as OpcodeName]),
)

/** Undefined: an opcode that is not spoken here. */
export function opcodeName(opcode: number): OpcodeName | undefined {
  return nameOf.get(opcode)
}

export const majorVersion = 7
/** What we say we speak; the kernel speaks the older of both. */
export const minorVersion = 40
/** Linux 5.4: attributes, READDIRPLUS and everything else have had their form since then. */
export const minorVersionMin = 31

/** Bits of INIT, the second 32 of them in `flags2`. */
export const initFlags = {
  ASYNC_READ: 2 ** 0,
  POSIX_LOCKS: 2 ** 1,
  ATOMIC_O_TRUNC: 2 ** 3,
  BIG_WRITES: 2 ** 5,
  FLOCK_LOCKS: 2 ** 10,
  AUTO_INVAL_DATA: 2 ** 12,
  DO_READDIRPLUS: 2 ** 13,
  READDIRPLUS_AUTO: 2 ** 14,
  ASYNC_DIO: 2 ** 15,
  WRITEBACK_CACHE: 2 ** 16,
  PARALLEL_DIROPS: 2 ** 18,
  MAX_PAGES: 2 ** 22,
  HANDLE_KILLPRIV_V2: 2 ** 28,
  INIT_EXT: 2 ** 30,
  DIRECT_IO_ALLOW_MMAP: 2 ** 36,
  HAS_RESEND: 2 ** 39,
} as const

export const setattrFlags = {
  MODE: 1 << 0,
  UID: 1 << 1,
  GID: 1 << 2,
  SIZE: 1 << 3,
  ATIME: 1 << 4,
  MTIME: 1 << 5,
  ATIME_NOW: 1 << 7,
  MTIME_NOW: 1 << 8,
  KILL_SUIDGID: 1 << 11,
} as const

export const openReplyFlags = { DIRECT_IO: 1 << 0, KEEP_CACHE: 1 << 1 } as const
/** Of OPEN and CREATE: the caller truncates, and may not keep the set-id bits. */
export const openKillsPrivileges = 1 << 0
export const writeKillsPrivileges = 1 << 2
export const releaseFlocks = 1 << 1
export const lockIsFlock = 1 << 0
export const fsyncDataOnly = 1 << 0

export const renameFlags = { NOREPLACE: 1 << 0, EXCHANGE: 1 << 1 } as const
export const xattrFlags = { CREATE: 1, REPLACE: 2 } as const
export const lockTypes = { shared: 0, exclusive: 1, unlocked: 2 } as const

/** The end of a lock that has none, inclusive. */
export const lockEndMax = 0x7fff_ffff_ffff_ffffn

/** Bits of a mode that say what a file is. */
export const fileTypes = {
  fifo: 0o010000,
  'character-device': 0o020000,
  directory: 0o040000,
  'block-device': 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
} as const

/** RESEND is of Linux 6.9, INC_EPOCH of 6.16. */
export const notifyCodes = { INVAL_INODE: 2, INVAL_ENTRY: 3, RESEND: 7, INC_EPOCH: 8 } as const
