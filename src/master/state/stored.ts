// Values of the state tables to and from their bytes. What cannot be decoded
// is damage on the disk, and says so with its name.

import { LeasefsError } from '../../base/errors.js'

/** The part of a generated message that is needed here. */
export interface StoredMessage<T> {
  encode(value: T): { finish(): Uint8Array }
  decode(bytes: Uint8Array): T
}

export function encodeStored<T>(message: StoredMessage<T>, value: T): Buffer {
  const bytes = message.encode(value).finish()
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** @throws LeasefsError CORRUPT */
export function decodeStored<T>(message: StoredMessage<T>, bytes: Uint8Array, what: string): T {
  try {
    return message.decode(bytes)
  } catch (reason) {
    throw new LeasefsError('CORRUPT', `${what}: its stored value cannot be read`, { cause: reason })
  }
}
