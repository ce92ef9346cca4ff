// Why a port could not be opened, as whoever started the daemon is told.

import { LeasefsError } from './errors.js'

/** ADDRESS_IN_USE, PERMISSION_DENIED, or INVALID_ARGUMENT. `address`: HOST:PORT */
export function listenError(address: string, cause: NodeJS.ErrnoException): LeasefsError {
  if (cause.code === 'EADDRINUSE') {
    return new LeasefsError('ADDRESS_IN_USE', `${address} is in use by another process`, { cause })
  }
  if (cause.code === 'EACCES') return new LeasefsError('PERMISSION_DENIED', `may not listen on ${address}`, { cause })
  return new LeasefsError('INVALID_ARGUMENT', `cannot listen on ${address}: ${cause.message}`, { cause })
}
