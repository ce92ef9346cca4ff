// A mount of a file system in memory, served by a process of its own, as root
// or as an ordinary user.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { BindingName } from '../../../src/fuse/bindings/binding.js'
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

export interface MemoryMountOptions {
  readonly user?: typeof thisUser
  readonly binding?: 'auto' | BindingName
  readonly readOnly?: boolean
  readonly allowOther?: boolean
  readonly exclusive?: boolean
}

/** What this user can have. */
export const bindingsHere: readonly BindingName[] = thisUser.uid === 0 ? ['kernel', 'fuse-native'] : ['fuse-native']

/** Mounts, and unmounts at the end of the test. */
export async function memoryMount(
  t: Test,
  { user = thisUser, ...options }: MemoryMountOptions = {},
): Promise<MemoryMount> {
  const path = mkdtempSync(join(tmpdir(), 'leasefs-mount-'))
  chownSync(path, user.uid, user.gid)
  const asUser = user.uid === thisUser.uid ? {} : user
  const args = [...process.execArgv, program, path, JSON.stringify(options)]
  const child = spawn(process.execPath, args, { cwd: '/', stdio: 'pipe', ...asUser })
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
