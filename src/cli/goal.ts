// leasefs goal: how many replicas files are to have.

import type { Command } from 'commander'
import { LeasefsError } from '../base/errors.js'
import { goalMax } from '../constants.js'
import type { Address } from '../wire/address.js'
import type { GoalReply, GoalRequest } from '../wire/gen/admin.js'
import { MasterService } from '../wire/gen/services.js'
import { askMaster } from './admin.js'
import { fileQuestion } from './file-argument.js'
import { peerAddress } from './options.js'

interface Options {
  readonly master?: Address
  readonly recursive?: boolean
  readonly json?: boolean
}

export function addGoalCommand(parent: Command): void {
  parent
    .command('goal')
    .description('show how many replicas a file or the new files of a directory are to have, or set it')
    .argument('<goal-or-path>', `"N PATH" sets it, to 1 to ${goalMax}; PATH alone shows it`)
    .argument('[path]')
    .option('-r, --recursive', 'also of everything below a directory')
    .option('--master <address>', 'HOST:PORT of the master: PATH is then one from the root', peerAddress)
    .option('--json', 'for programs')
    .action(async (first: string, second: string | undefined, options: Options) => {
      const path = second ?? first
      const goal = second === undefined ? 0 : checkGoal(first)
      const { master, file } = await fileQuestion(path, options.master)
      const ask = (request: GoalRequest) => askMaster(master, MasterService.goal, request)
      const reply = await setGoal(ask, { ...file, goal, entries: options.recursive === true, after: Buffer.alloc(0) })
      process.stdout.write(`${options.json ? goalJson(path, reply) : goalText(path, goal, reply)}\n`)
    })
}

/** @throws LeasefsError INVALID_ARGUMENT */
function checkGoal(text: string): number {
  const goal = Number(text)
  if (Number.isInteger(goal) && goal >= 1 && goal <= goalMax) return goal
  throw new LeasefsError('INVALID_ARGUMENT', `a goal is a number from 1 to ${goalMax}, not "${text}"`)
}

/** The answer about the inode itself; `changed` counts all that are below it. */
export async function setGoal(
  ask: (request: GoalRequest) => Promise<GoalReply>,
  request: GoalRequest,
): Promise<GoalReply> {
  const first = await ask(request)
  let { changed } = first
  if (request.goal === 0) return first
  const toAsk = first.directories.map(ino => ({ ...request, ino, path: Buffer.alloc(0) }))
  if (first.next.length > 0) toAsk.push({ ...request, ino: first.ino, path: Buffer.alloc(0), after: first.next })
  // One directory after the other: a tree may have millions, and each answer names some more.
  for (let next = toAsk.pop(); next; next = toAsk.pop()) {
    const reply = await askIfThere(ask, next)
    if (!reply) continue
    changed += reply.changed
    for (const ino of reply.directories) toAsk.push({ ...request, ino, path: Buffer.alloc(0) })
    if (reply.next.length > 0) toAsk.push({ ...next, after: reply.next })
  }
  return { ...first, changed }
}

/** A directory that has been removed meanwhile needs no goal. */
async function askIfThere(ask: (request: GoalRequest) => Promise<GoalReply>, request: GoalRequest) {
  try {
    return await ask(request)
  } catch (reason) {
    if (reason instanceof LeasefsError && reason.code === 'NOT_FOUND') return undefined
    throw reason
  }
}

function goalJson(path: string, { ino, goal, defaultGoal, directory, changed }: GoalReply): string {
  return JSON.stringify({ path, ino, goal: goal || defaultGoal, directory, changed }, undefined, 2)
}

function goalText(path: string, set: number, { goal, defaultGoal, directory, changed }: GoalReply): string {
  const what = directory ? `${path}: new files have goal` : `${path}: goal`
  const own = goal === 0 ? `${defaultGoal} (the default)` : String(goal)
  return set === 0 ? `${what} ${own}` : `${what} ${own}; ${changed} changed`
}
