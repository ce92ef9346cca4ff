// A mount of a file system in memory, served by a process of its own, as root
// or as an ordinary user.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { MountUnderTest } from '../../suites/mount/mount-under-test.js'

export interface MemoryMount extends MountUnderTest {
  readonly process: ChildProcess
  /** What it said on stderr. */
  readonly errors: () => string
}

/** The user and group "nobody", on every system. */
export const ordinaryUser = { uid: 65534, gid: 65534 }

/** Who runs this test. */
export const thisUser = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

const program = fileURLToPath(new URL('serve-memory.js', import.meta.url))

/** Mounts, and unmounts at the end of the test. */
export async function memoryMount(t: Test, user = thisUser): Promise<MemoryMount> {
  const path = mkdtempSync(join(tmpdir(), 'leasefs-mount-'))
  chownSync(path, user.uid, user.gid)
  const asUser = user.uid === thisUser.uid ? {} : user
  const child = spawn(process.execPath, [...process.execArgv, program, path], { cwd: '/', stdio: 'pipe', ...asUser })
  let errors = ''
  child.stderr.on('data', text => {
    errors += text
  })
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    rmSync(path, { recursive: true })
  })
  await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error(`not mounted: ${errors}`))),
  ])
  return { path, user, process: child, errors: () => errors }
}

/** Lets every user open /dev/fuse, as distributions do, for as long as the test runs. */
export function openFuseDevice(t: Test): void {
  const { mode } = statSync('/dev/fuse')
  if ((mode & 0o666) === 0o666) return
  chmodSync('/dev/fuse', 0o666)
  t.teardown(() => chmodSync('/dev/fuse', mode & 0o777))
}
