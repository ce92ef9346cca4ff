// `leasefs goal`: how many replicas files want. A directory's entries are set a
// page at a time; its directories are named in the answer, and asked for by the
// caller: so no question takes long, however large the tree.

import { LeasefsError } from '../base/errors.js'
import { unary } from '../rpc/control-network.js'
import type { GoalReply, GoalRequest } from '../wire/gen/admin.js'
import { MasterService } from '../wire/gen/services.js'
import type { Ino } from '../wire/ids.js'
import type { Namespace } from './chunk-service.js'
import type { Executor } from './executor.js'
import { isDirectory } from './ops/operation.js'
import { checkSetGoal } from './ops/set-goal.js'
import type { State } from './state/state.js'

/** Entries of a directory that one question looks at. */
export const goalEntriesMax = 1024

export interface GoalsOptions {
  readonly state: State
  readonly executor: Executor
  readonly namespace: Pick<Namespace, 'attributes' | 'resolvePath'>
  /** Of new files where no directory says otherwise. */
  readonly goal: number
  /** Goals have changed: there may be more, or fewer, replicas to have. */
  readonly changed: () => void
}

export function goalHandler(options: GoalsOptions) {
  return unary(MasterService.goal, request => answerGoal(options, request))
}

/** @throws LeasefsError NOT_FOUND, NOT_A_DIRECTORY, NAME_TOO_LONG, INVALID_ARGUMENT, NO_SPACE, IO, UNAVAILABLE */
export async function answerGoal(options: GoalsOptions, request: GoalRequest): Promise<GoalReply> {
  const { namespace, goal: defaultGoal, changed } = options
  const attributes = request.ino > 0 ? namespace.attributes(request.ino as Ino) : namespace.resolvePath(request.path)
  const ino = attributes.ino as Ino
  const directory = isDirectory(attributes)
  const page = directory && request.entries ? entriesOf(options.state, ino, request.after) : noEntries
  // The directory itself first, once: what is made in it from then on has the goal.
  const inos = request.after.length > 0 ? page.files : [ino, ...page.files]
  const set = request.goal > 0 ? await Promise.all(inos.map(each => setGoal(options, each, request.goal))) : []
  const count = set.filter(Boolean).length
  if (count > 0) changed()
  const { goal } = namespace.attributes(ino)
  return { ino, goal, defaultGoal, directory, changed: count, directories: page.directories, next: page.next }
}

interface Page {
  readonly files: Ino[]
  readonly directories: Ino[]
  readonly next: Buffer
}

const noEntries: Page = { files: [], directories: [], next: Buffer.alloc(0) }

function entriesOf(state: State, ino: Ino, after: Buffer): Page {
  const entries = state.dentries.page(ino, after, goalEntriesMax)
  const files: Ino[] = []
  const directories: Ino[] = []
  for (const entry of entries) {
    const inode = state.inodes.find(entry.ino)
    if (inode) (isDirectory(inode.attributes) ? directories : files).push(entry.ino)
  }
  return {
    files,
    directories,
    next: entries.length === goalEntriesMax ? (entries.at(-1)?.name ?? after) : after.subarray(0, 0),
  }
}

/** True if it had another. One that was removed since the page was read has none. */
async function setGoal({ state, executor }: GoalsOptions, ino: Ino, goal: number): Promise<boolean> {
  try {
    return (await executor.submit(current => checkSetGoal(current, ino, goal))).kind === 'applied'
  } catch (reason) {
    if (reason instanceof LeasefsError && reason.code === 'NOT_FOUND' && !state.inodes.find(ino)) return false
    throw reason
  }
}
