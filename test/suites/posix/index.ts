// The posix suite as part of a test: a program of its own, in Python, because
// Node can neither become another user nor make half of the calls.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

// It is not compiled: from dist/ it is found where its sources are.
const program = fileURLToPath(new URL('../../../../test/suites/posix', import.meta.url))

/** Debian's, if it is there: another user may not reach one in root's home. */
const python = ['/usr/bin/python3', 'python3'].find(name => spawnSync(name, ['--version']).status === 0)

const suiteMs = 540_000

/** Where the suite can't run, with the reason: pass this as `skip`. */
export const cannotRunPosix: string | false = !python
  ? 'python3 is not installed'
  : process.getuid?.() !== 0 && 'the posix suite runs as root'

/** Runs the suite in a directory, each of its tests one of this test. `except` is the list in suites/posix of what is not expected. */
export async function posixSuite(t: Test, directory: string, except?: string): Promise<void> {
  const list = except === undefined ? [] : ['--except', `${program}/${except}`]
  await t.spawn(python ?? 'python3', [program, directory, ...list], { timeout: suiteMs }, 'the posix suite')
}
