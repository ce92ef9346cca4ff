// Finding inodes by name: one step, or several at once.

import { LeasefsError } from '../../base/errors.js'
import { pathLengthMax } from '../../constants.js'
import type { Lookup, Resolve } from '../../wire/gen/client.js'
import type { Attributes } from '../../wire/gen/common.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { checkName } from './names.js'
import type { ReadAnswer } from './read.js'

/** Names of the longest path: each takes a "/" besides. */
const namesMax = Math.ceil(pathLengthMax / 2)

/** That a name is not there may be cached too. @throws LeasefsError NOT_FOUND (the parent), NOT_A_DIRECTORY, and for the name */
export function lookup(state: State, { parent, name }: Lookup): ReadAnswer {
  const { found, failure, cached } = step(state, parent, name)
  return found ? { result: { $case: 'attributes', value: found }, cached } : { failure, cached }
}

/** @throws LeasefsError INVALID_ARGUMENT, NAME_TOO_LONG, NOT_FOUND (the base) */
export function resolve(state: State, { base, names }: Resolve): ReadAnswer {
  if (names.length > namesMax) throw new LeasefsError('NAME_TOO_LONG', `a path of ${names.length} names`)
  for (const name of names) checkName(name)
  state.inodes.get(base)

  const steps: Attributes[] = []
  const cached: Ino[] = []
  let at = base
  for (const name of names) {
    const next = walk(state, at, name)
    cached.push(...next.cached)
    if (!next.found) {
      const { code, message } = next.failure
      return { result: { $case: 'resolved', value: { steps, stopped: { code, message } } }, cached }
    }
    steps.push(next.found)
    at = next.found.ino
  }
  return { result: { $case: 'resolved', value: { steps, stopped: undefined } }, cached }
}

type Step = { readonly cached: readonly Ino[] } & (
  | { readonly found: Attributes; readonly failure?: undefined }
  | { readonly found?: undefined; readonly failure: LeasefsError }
)

function step(state: State, parent: number, name: Buffer): Step {
  checkName(name)
  state.inodes.directory(parent)
  const ino = state.dentries.find(parent, name)
  if (ino !== undefined) return { found: state.inodes.get(ino).attributes, cached: [parent as Ino, ino] }
  const failure = new LeasefsError('NOT_FOUND', `no ${JSON.stringify(String(name))} in inode ${parent}`)
  return { failure, cached: [parent as Ino] }
}

/** A step that may meet something else than a directory. */
function walk(state: State, parent: number, name: Buffer): Step {
  try {
    return step(state, parent, name)
  } catch (reason) {
    if (!(reason instanceof LeasefsError) || reason.code !== 'NOT_A_DIRECTORY') throw reason
    return { failure: reason, cached: [parent as Ino] }
  }
}
