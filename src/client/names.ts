// What may be the name of an entry.

import { LeasefsError } from '../base/errors.js'
import { nameLengthMax } from '../constants.js'
import type { Name } from './file-system.js'

/** @throws LeasefsError NAME_TOO_LONG, INVALID_ARGUMENT */
export function checkName(name: Name): void {
  if (name.length > nameLengthMax) throw new LeasefsError('NAME_TOO_LONG', `a name of ${name.length} bytes`)
  const text = name.toString('latin1')
  if (text === '' || text === '.' || text === '..' || text.includes('/') || text.includes('\0')) {
    throw new LeasefsError('INVALID_ARGUMENT', `"${text}" is not the name of an entry`)
  }
}
