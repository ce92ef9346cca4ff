// What the calls of this binding share.

import type { Attributes, Ino } from '../../../client/file-system.js'
import type { Operations } from '../../operations.js'
import { encodeAbsence, encodeAttributes, encodeEntry } from './encoding.js'
import type { Known } from './known.js'
import { type Reply, reply } from './request.js'

export interface Context {
  readonly operations: Operations
  readonly known: Known
  /** The kernel holds writes back, and trusts its own sizes and times. */
  readonly exclusive: boolean
}

/** How long the kernel may believe what it is told now: until the client's lease ends, unless it is told otherwise. */
function validMs({ operations }: Context): number {
  return operations.fileSystem.cacheValidMs
}

/** What a write in flight is about to change is asked for again, but by a kernel that keeps size and times itself. */
export function attributesValidMs(context: Context, { unsettled }: Attributes): number {
  return unsettled && !context.exclusive ? 0 : validMs(context)
}

/** The entry of a name, which the kernel counts as one more time of being told. */
export function entryReply(context: Context, parent: Ino, name: Buffer, attributes: Attributes): Reply {
  return {
    pieces: [encodeEntry(attributes, nameValidMs(context, parent, name), attributesValidMs(context, attributes))],
    delivered: () => context.known.told(attributes.ino),
  }
}

/** That the name is not there: an answer of its own, so that the kernel need not ask again. */
export function absenceReply(context: Context, parent: Ino, name: Buffer): Reply {
  return reply(encodeAbsence(nameValidMs(context, parent, name)))
}

export function attributesReply(context: Context, attributes: Attributes): Reply {
  return reply(encodeAttributes(attributes, attributesValidMs(context, attributes)))
}

/** How long the kernel may remember the name; it is listed with those to be taken back. */
export function nameValidMs(context: Context, parent: Ino, name: Buffer): number {
  const ms = validMs(context)
  return ms > 0 && context.known.mayRemember(parent, name) ? ms : 0
}
