// Everything that must work on a mount with ordinary tools.

import type { Test } from 'tap'
import { fileSuite } from './files.js'
import { gitSuite } from './git.js'
import type { MountUnderTest } from './mount-under-test.js'
import { nameSuite } from './names.js'
import { treeSuite } from './trees.js'

export function shellSuites(t: Test, mount: MountUnderTest): void {
  treeSuite(t, mount)
  nameSuite(t, mount)
  fileSuite(t, mount)
  gitSuite(t, mount)
}
