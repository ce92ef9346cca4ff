// What a name, a target and an attribute name may be. They come from the wire.

import { LeasefsError } from '../../base/errors.js'
import { nameLengthMax, symlinkTargetLengthMax, xattrNameLengthMax } from '../../constants.js'

const slash = 0x2f
const dot = Buffer.from('.')
const dotDot = Buffer.from('..')

/** @throws LeasefsError NAME_TOO_LONG, INVALID_ARGUMENT */
export function checkName(name: Buffer): void {
  if (name.length > nameLengthMax) throw new LeasefsError('NAME_TOO_LONG', `a name of ${name.length} bytes`)
  if (name.length === 0) throw new LeasefsError('INVALID_ARGUMENT', 'an empty name')
  if (name.includes(slash) || name.includes(0)) throw new LeasefsError('INVALID_ARGUMENT', 'a name with "/" or NUL')
  if (name.equals(dot) || name.equals(dotDot)) throw new LeasefsError('INVALID_ARGUMENT', `the name "${name}"`)
}

/** @throws LeasefsError NAME_TOO_LONG, INVALID_ARGUMENT */
export function checkSymlinkTarget(target: Buffer): void {
  if (target.length > symlinkTargetLengthMax) {
    throw new LeasefsError('NAME_TOO_LONG', `a symlink target of ${target.length} bytes`)
  }
  if (target.length === 0 || target.includes(0)) {
    throw new LeasefsError('INVALID_ARGUMENT', 'a symlink target that is empty or has a NUL')
  }
}

/** @throws LeasefsError OUT_OF_RANGE, INVALID_ARGUMENT */
export function checkXattrName(name: Buffer): void {
  if (name.length === 0 || name.length > xattrNameLengthMax) {
    throw new LeasefsError('OUT_OF_RANGE', `an attribute name of ${name.length} bytes`)
  }
  if (name.includes(0)) throw new LeasefsError('INVALID_ARGUMENT', 'an attribute name with a NUL')
}
