// A mount in this process. Nothing here may wait for it synchronously: it would wait for itself.

import { execFile } from 'node:child_process'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { SystemClock } from '../../../src/base/clock.js'
import { silentLog } from '../../../src/base/log.js'
import { type Mount, type MountOptions, mount } from '../../../src/fuse/mount.js'
import { MemoryFileSystem } from './memory-file-system.js'

export interface Mounted {
  readonly path: string
  readonly fileSystem: MemoryFileSystem
  readonly mount: Mount
}

/** Mounts a file system in memory on a directory of its own, and takes both away at the end of the test. */
export async function mounted(t: Test, options: Partial<MountOptions> = {}): Promise<Mounted> {
  const path = await mkdtemp(join(tmpdir(), 'leasefs-mounted-'))
  const fileSystem = new MemoryFileSystem(new SystemClock())
  const mounted = await mount({ fileSystem, mountPoint: path, binding: 'auto', log: silentLog, ...options })
  t.teardown(async () => {
    await mounted.unmount()
    await rmdir(path)
  })
  return { path: mounted.mountPoint, fileSystem, mount: mounted }
}

/** Runs a script in a directory, and resolves with what it printed. */
export async function shell(directory: string, script: string): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['--norc', '-euc', `cd '${directory}'; ${script}`])
  return stdout.trimEnd()
}
