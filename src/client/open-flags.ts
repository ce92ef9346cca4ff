// The flags of open(), in the words of Node's fs.

import { LeasefsError } from '../base/errors.js'

export interface OpenFlags {
  readonly read: boolean
  readonly write: boolean
  readonly append: boolean
  readonly truncate: boolean
  readonly create: boolean
  readonly exclusive: boolean
  readonly sync: boolean
}

/** "r", "r+", "rs+", "w", "wx", "w+", "wx+", "a", "ax", "a+", "ax+", "as", "as+". @throws LeasefsError INVALID_ARGUMENT */
export function parseOpenFlags(text: string): OpenFlags {
  const [, kind, more = ''] = /^([rwa])([xs]?\+?)$/.exec(text) ?? []
  const exclusive = more.includes('x')
  const sync = more.includes('s')
  if (!kind || (kind === 'r' && (exclusive || more === 's')) || (kind === 'w' && sync)) {
    throw new LeasefsError('INVALID_ARGUMENT', `unknown open flags "${text}"`)
  }
  const both = more.includes('+')
  return {
    read: kind === 'r' || both,
    write: kind !== 'r' || both,
    append: kind === 'a',
    truncate: kind === 'w',
    create: kind !== 'r',
    exclusive,
    sync,
  }
}
