// A plan of faults in a file that a test rewrites while the server runs. The
// file is looked at before each call, so that what it says is so from the
// moment it is there.

import { readFileSync } from 'node:fs'
import type { Logger } from '../../base/log.js'
import { FaultPlan } from './plan.js'

/**
 * Who asks gets the plan that the file holds now: none, if there is no file. One
 * that makes no sense (half written, perhaps) changes nothing.
 *
 * @throws LeasefsError INVALID_ARGUMENT: the plan to begin with
 */
export function planFile(path: string, log: Logger): () => FaultPlan {
  let text = textOf(path)
  let plan = FaultPlan.parse(text)
  return () => {
    const now = textOf(path)
    if (now === text) return plan
    text = now
    try {
      plan = FaultPlan.parse(text)
      log.warn({ path, text }, 'faults for a test')
    } catch (reason) {
      log.error({ err: reason, path }, 'the plan of faults stays as it was')
    }
    return plan
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
