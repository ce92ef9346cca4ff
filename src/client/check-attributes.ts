// What a caller may ask to be stored about an inode. Checked before it is sent:
// a number that does not fit its field must not break the stream for everyone.

import { LeasefsError } from '../base/errors.js'
import { fileSizeMax, xattrNameLengthMax, xattrValueLengthMax } from '../constants.js'
import type { AttributeChanges, Name, NewInode, Timestamp } from './file-system.js'

/** @throws LeasefsError INVALID_ARGUMENT, FILE_TOO_LARGE */
export function checkChanges({ mode, uid, gid, size, atime, mtime }: AttributeChanges): void {
  checkUint32s({ mode: mode ?? 0, uid: uid ?? 0, gid: gid ?? 0 })
  checkTime('atime', atime)
  checkTime('mtime', mtime)
  if (size === undefined) return
  if (size > fileSizeMax) throw new LeasefsError('FILE_TOO_LARGE', `${size} bytes are more than a file can have`)
  if (!(Number.isSafeInteger(size) && size >= 0)) throw new LeasefsError('INVALID_ARGUMENT', `no size: ${size}`)
}

/** @throws LeasefsError INVALID_ARGUMENT */
export function checkNewInode({ mode, uid, gid }: NewInode, rdev = 0): void {
  checkUint32s({ mode, uid, gid, rdev })
}

/** @throws LeasefsError OUT_OF_RANGE, TOO_BIG */
export function checkXattr(name: Name, value: Buffer = Buffer.alloc(0)): void {
  if (name.length === 0 || name.length > xattrNameLengthMax) {
    throw new LeasefsError('OUT_OF_RANGE', `the name of an attribute has ${name.length} bytes`)
  }
  if (value.length > xattrValueLengthMax) {
    throw new LeasefsError('TOO_BIG', `the value of an attribute has ${value.length} bytes`)
  }
}

function checkUint32s(values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!(Number.isInteger(value) && value >= 0 && value < 2 ** 32)) {
      throw new LeasefsError('INVALID_ARGUMENT', `${name} can't be ${value}`)
    }
  }
}

function checkTime(name: string, time: Timestamp | 'now' | undefined): void {
  if (time === undefined || time === 'now') return
  const { seconds, nanos } = time
  if (!(Number.isSafeInteger(seconds) && Number.isInteger(nanos) && nanos >= 0 && nanos < 1e9)) {
    throw new LeasefsError('INVALID_ARGUMENT', `${name} can't be ${seconds} s and ${nanos} ns`)
  }
}
