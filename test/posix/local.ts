// The posix suite on file systems that Linux people know: it is right only if
// they pass it.

import { rmSync } from 'node:fs'
import t from 'tap'
import { temporaryDirectory } from '../cluster/harness.js'
import { cannotRunPosix, posixSuite } from '../suites/posix/index.js'

if (cannotRunPosix) t.plan(0, cannotRunPosix)
else {
  const directory = temporaryDirectory()
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  await posixSuite(t, directory)
}
