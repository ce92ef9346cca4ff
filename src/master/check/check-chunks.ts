// Records of chunks, and whether their files list them.

import { chunkIndexMax, goalMax } from '../../constants.js'
import { StoredChunk } from '../../wire/gen/state.js'
import { indexKey, keyNumber } from '../state/keys.js'
import type { StateReader } from '../state/state-store.js'
import type { CheckStep } from './check-state.js'
import { isThere, type Seen } from './seen.js'
import { everything, readable } from './tables.js'

export function* checkChunks(reader: StateReader, seen: Seen): Generator<CheckStep, void> {
  const listed = reader.table('fileChunks')
  for (const { key, value } of reader.table('chunks').range(everything)) {
    yield undefined
    const handle = keyNumber(key, 0)
    seen.chunks++
    seen.handleMax = Math.max(seen.handleMax, handle)
    const chunk = readable(StoredChunk, value)
    if (!chunk) {
      yield { kind: 'unreadable', text: `the record of chunk ${handle} cannot be read`, handle }
      continue
    }
    const { ino, index } = chunk
    const reason = impossible(chunk)
    if (reason) yield { kind: 'wrong-chunk', text: `chunk ${handle} has ${reason}`, ino, handle }
    const at = listed.get(indexKey(ino, Math.min(index, 2 ** 32 - 1)))
    const isListed = at !== undefined && keyNumber(at, 0) === handle
    if ((seen.flags.get(ino) & isThere) === 0) {
      const text = `chunk ${handle} is of inode ${ino}, which is gone`
      // Found with its listing, if there is one.
      if (!isListed) yield { kind: 'lost-chunk', text, ino, handle, mend: { kind: 'make-file', ino, handle } }
      continue
    }
    if (isListed) continue
    if (at === undefined) {
      const text = `chunk ${index} of inode ${ino} is not listed by its file`
      yield { kind: 'unlisted-chunk', text, ino, handle, mend: { kind: 'list-chunk', handle } }
      continue
    }
    const text = `chunk ${handle} says it is chunk ${index} of inode ${ino}, which lists ${keyNumber(at, 0)} there`
    yield { kind: 'unlisted-chunk', text, ino, handle }
  }
}

function impossible({ index, version, settledVersion, goal, replicaCount }: StoredChunk): string | undefined {
  if (index > chunkIndexMax) return `index ${index}`
  if (version < 1 || settledVersion > version) return `version ${version}, in use ${settledVersion}`
  if (goal < 1 || goal > goalMax) return `goal ${goal}`
  return replicaCount < 1 || replicaCount > goalMax ? `${replicaCount} replicas` : undefined
}
