// A writer's report: its mutations up to a size have been applied by all
// replicas. So no reader ever sees a length whose bytes are not there.

import { LeasefsError } from '../../base/errors.js'
import { fileSizeMax } from '../../constants.js'
import type { Written } from '../../wire/gen/client.js'
import type { Time } from '../../wire/gen/common.js'
import type { FileWritten } from '../../wire/gen/state.js'
import type { Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { checkUsage, noteUsage } from './chunk-usage.js'
import {
  type ApplyContext,
  attributesResult,
  type CheckContext,
  change,
  type Decision,
  type Outcome,
} from './operation.js'
import { checkTime } from './set-attributes.js'
import { checkNotInTrash } from './trash.js'

/** @throws LeasefsError NOT_FOUND, IS_A_DIRECTORY, INVALID_ARGUMENT, FILE_TOO_LARGE, NOT_PERMITTED (in the trash) */
export function checkWritten(state: State, request: Written, { now }: CheckContext): Decision {
  const { ino, size } = request
  checkNotInTrash(state.inodes.file(ino))
  if (size > fileSizeMax) throw new LeasefsError('FILE_TOO_LARGE', `${size} bytes, at most ${fileSizeMax}`)
  return change({
    $case: 'fileWritten',
    value: { ino, size, mtime: checkTime(request.mtime) ?? now, usage: checkUsage(state, ino, request.usage) },
  })
}

export function applyFileWritten(state: State, written: FileWritten, { now }: ApplyContext): Outcome {
  const { ino, size, mtime } = written
  const old = state.inodes.get(ino).attributes
  const allocatedBytes = old.allocatedBytes + noteUsage(state, ino, written.usage)
  const ctime = changeTime(mtime, old.ctime, now)
  state.inodes.change(ino, { size: Math.max(old.size, size), mtime, ctime, allocatedBytes })
  return { result: attributesResult(state, ino), touched: [ino as Ino], freed: [] }
}

/**
 * The moment of the last write, which is what the writer's mount has shown
 * since: programs take a ctime that moves by itself for a change. Where that is
 * not later than the last change (the time was set, a clock is behind) it is now.
 */
function changeTime(mtime: Time | undefined, last: Time | undefined, now: Time): Time {
  const later = mtime && last && (mtime.seconds - last.seconds || mtime.nanos - last.nanos) > 0
  return later ? mtime : now
}
