// Going on where an earlier process of this client has left off: what it had
// asked of the master comes first, then what it was applying, then what it had
// taken and not yet applied. Only after that does anything new come in.

import { LeasefsError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Ino } from '../wire/ids.js'
import type { AppendTurns } from './append-turns.js'
import type { Locks } from './locks.js'
import type { OpenInode } from './open-inode.js'
import type { OpenInodes } from './open-inodes.js'
import type { Session } from './session.js'
import type { Inherited, LoneMutation } from './survival.js'

export interface ResumeOptions {
  readonly inherited: Inherited
  readonly session: Pick<Session, 'id' | 'inheritedAnswered'>
  readonly inodes: OpenInodes
  readonly locks: Locks
  readonly turns: AppendTurns
  readonly log: Logger
  /** To be called if the session is another than the one that was left. */
  readonly lost: () => void
}

/**
 * Resolves when everything is as it was; what was not yet applied is on its way.
 * The result is to be called when those who had files open have them again: it
 * lets go of the rest.
 */
export async function resume(options: ResumeOptions): Promise<() => void> {
  const { inherited, session, inodes, locks, turns, log } = options
  await session.inheritedAnswered
  const open = new Set(inherited.open)
  const found = new Map<Ino, OpenInode>()
  const { pieces, batches, states, mutations } = inherited
  const inos = [...pieces, ...mutations].map(({ ino }) => ino)
  for (const ino of new Set([...open, ...inos, ...states.keys()])) found.set(ino, inodes.found(ino, open.has(ino)))

  await Promise.all([...groupByInode(mutations)].map(([ino, mine]) => applyAgain(found.get(ino), mine, log)))
  const piecesOf = groupByInode(pieces)
  const batchesOf = groupByInode(batches)
  for (const [ino, { writes }] of found) {
    writes.found({ pieces: piecesOf.get(ino) ?? [], batches: batchesOf.get(ino) ?? [], state: states.get(ino) })
  }
  for (const { ino, holder } of inherited.locks) locks.found(ino, holder)
  turns.found(inherited.turns)
  if (session.id !== inherited.session.id) options.lost()
  const bytes = pieces.reduce((sum, { bytes }) => sum + bytes.length, 0)
  log.info({ inodes: found.size, bytes, requests: inherited.asked.length }, 'goes on where another has left off')
  return () => {
    for (const inode of found.values()) inodes.release(inode)
  }
}

/** One after the other, as they were. One that fails was under way: whoever waits for it asks again. */
async function applyAgain(inode: OpenInode | undefined, mutations: readonly LoneMutation[], log: Logger) {
  for (const { ino, index, mutation } of mutations) {
    await inode?.writes.applyOne(index, mutation).catch(reason => {
      log.warn({ ino, code: LeasefsError.from(reason).code }, 'what was under way was not applied')
    })
  }
}

function groupByInode<T extends { readonly ino: Ino }>(items: readonly T[]): Map<Ino, T[]> {
  const groups = new Map<Ino, T[]>()
  for (const item of items) {
    const group = groups.get(item.ino)
    if (group) group.push(item)
    else groups.set(item.ino, [item])
  }
  return groups
}
