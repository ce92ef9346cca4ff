// The addon's record of a request, where it says more than the handler's
// arguments do. Nothing is read from it before its opcode, and an argument
// that is also in the record, have been found where they are expected.
//
//   offset  8  u32  opcode         offset 104  u64  access time, ms
//          48  ptr  fuse_file_info        112  u64  modification time, ms
//          80  u32  mode                  192  ptr  fuse_thread_t

import type { RequestRecord } from './addon.js'

const at = { opcode: 8, fileInfo: 48, mode: 80, atime: 104, mtime: 112, thread: 192, end: 200 } as const

function isFor(record: RequestRecord, opcode: number): boolean {
  return record.length >= at.end && record.readUInt32LE(at.opcode) === opcode
}

/**
 * The modification time that utimens was given: the handler's arguments have
 * the access time twice. Undefined if the record is not as expected.
 */
export function modificationMs(record: RequestRecord, opcode: number, accessMs: bigint): bigint | undefined {
  if (!isFor(record, opcode)) return undefined
  if (record.readBigInt64LE(at.atime) !== accessMs) return undefined
  return record.readBigInt64LE(at.mtime)
}

/** Where create's fuse_file_info is: it has the open flags, which the handler's arguments lack. */
export function fileInfoAddress(record: RequestRecord, opcode: number, mode: number): bigint | undefined {
  if (!isFor(record, opcode) || record.readUInt32LE(at.mode) !== mode) return undefined
  return record.readBigUInt64LE(at.fileInfo)
}

/** Where the mount's fuse_thread_t is. */
export function threadAddress(record: RequestRecord, opcode: number): bigint | undefined {
  return isFor(record, opcode) ? record.readBigUInt64LE(at.thread) : undefined
}
