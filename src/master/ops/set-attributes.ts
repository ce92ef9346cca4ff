// Changing mode, owner, size and times.

import { LeasefsError } from '../../base/errors.js'
import { chunkSize, fileSizeMax } from '../../constants.js'
import type { SetAttributes } from '../../wire/gen/client.js'
import { type Attributes, FileType, type Time } from '../../wire/gen/common.js'
import type { AttributesChanged } from '../../wire/gen/state.js'
import type { ChunkHandle, Ino } from '../../wire/ids.js'
import type { State } from '../state/state.js'
import { checkUsage, noteUsage } from './chunk-usage.js'
import { dropChunks } from './inode-life.js'
import {
  type ApplyContext,
  answer,
  attributesResult,
  type CheckContext,
  change,
  type Decision,
  type Outcome,
} from './operation.js'
import { checkNotInTrash } from './trash.js'

const setuid = 0o4000
const setgid = 0o2000
const groupExecute = 0o010

/** @throws LeasefsError NOT_FOUND, IS_A_DIRECTORY and INVALID_ARGUMENT (size of no regular file; time), FILE_TOO_LARGE, NOT_PERMITTED (in the trash) */
export function checkSetAttributes(state: State, request: SetAttributes, { now }: CheckContext): Decision {
  const { ino, size, uid, gid } = request
  const inode = state.inodes.get(ino)
  const { attributes } = inode
  checkNotInTrash(inode)
  if (size !== undefined) checkSize(state, ino, size)
  // A new size is a change of the content, whatever the time is set to besides.
  const mtime = request.mtimeNow || (size !== undefined && !request.mtime) ? now : checkTime(request.mtime)
  const atime = request.atimeNow ? now : checkTime(request.atime)
  const mode = request.mode === undefined ? withoutPrivileges(attributes, request) : request.mode & 0o7777

  const changes = { mode, uid, gid, size, atime, mtime }
  const usage = checkUsage(state, ino, request.usage)
  const nothing = usage.length === 0 && Object.values(changes).every(value => value === undefined)
  if (nothing) return answer(attributesResult(state, ino))
  return change({ $case: 'attributesChanged', value: { ino, ...changes, usage } })
}

export function applyAttributesChanged(state: State, changed: AttributesChanged, { now }: ApplyContext): Outcome {
  const { ino, size } = changed
  const old = state.inodes.get(ino).attributes
  let { allocatedBytes } = old
  let freed: ChunkHandle[] = []
  if (size !== undefined && size < old.size) {
    const dropped = dropChunks(state, ino, Math.ceil(size / chunkSize))
    for (const chunk of dropped) allocatedBytes -= chunk.allocatedBytes
    freed = dropped.map(({ handle }) => handle)
  }
  allocatedBytes += noteUsage(state, ino, changed.usage)
  state.inodes.change(ino, {
    mode: changed.mode ?? old.mode,
    uid: changed.uid ?? old.uid,
    gid: changed.gid ?? old.gid,
    size: size ?? old.size,
    atime: changed.atime ?? old.atime,
    mtime: changed.mtime ?? old.mtime,
    ctime: now,
    allocatedBytes,
  })
  return { result: attributesResult(state, ino), touched: [ino as Ino], freed }
}

/** @throws LeasefsError INVALID_ARGUMENT */
export function checkTime(time: Time | undefined): Time | undefined {
  if (time && time.nanos >= 1e9) throw new LeasefsError('INVALID_ARGUMENT', `a time with ${time.nanos} nanoseconds`)
  return time
}

function checkSize(state: State, ino: number, size: number): void {
  state.inodes.file(ino)
  if (size > fileSizeMax) throw new LeasefsError('FILE_TOO_LARGE', `${size} bytes, at most ${fileSizeMax}`)
}

/** A program that changes hands, or is written by who is not trusted, loses its set-user-id and set-group-id bits, as on Linux. */
function withoutPrivileges({ type, mode }: Attributes, request: SetAttributes): number | undefined {
  const { uid, gid, killPrivileges } = request
  if (type !== FileType.REGULAR || (uid === undefined && gid === undefined && !killPrivileges)) return undefined
  const cleared = (mode & groupExecute) !== 0 ? setuid | setgid : setuid
  return (mode & cleared) === 0 ? undefined : mode & ~cleared
}
