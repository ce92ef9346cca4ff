// What the mount suites need of a mount. They work through a shell, as its
// users do, so that they can run as a user who is not the one who runs the tests.

import { execFile } from 'node:child_process'
import type { Test } from 'tap'

export interface MountUnderTest {
  readonly path: string

  /** uid and gid under which commands run. */
  readonly user: { readonly uid: number; readonly gid: number }
}

const outputMax = 64 * 1024 * 1024

/** A directory of its own for each test, on one mount. */
export class Workbench {
  readonly mount: MountUnderTest
  readonly #suite: string
  #count = 0

  constructor(mount: MountUnderTest, suite: string) {
    this.mount = mount
    this.#suite = suite
  }

  get isRoot(): boolean {
    return this.mount.user.uid === 0
  }

  /**
   * A test with a shell of its own: `sh(script)` runs bash with -e, -u and
   * pipefail in a fresh directory of the mount, and resolves with what it
   * printed, without the last newline.
   */
  test(t: Test, fact: string, body: (t: Test, sh: Shell, directory: string) => Promise<void>, skip?: string): void {
    const directory = `${this.mount.path}/${this.#suite}-${++this.#count}`
    void t.test(fact, skip ? { skip } : {}, async t => {
      await run(this.mount, `mkdir ${directory}`, '/')
      await body(t, script => run(this.mount, script, directory), directory)
    })
  }
}

export type Shell = (script: string) => Promise<string>

/** Runs a script as the mount's user. Rejects with what it said if it fails. */
export function run(mount: MountUnderTest, script: string, directory: string): Promise<string> {
  const { uid, gid } = mount.user
  const asUser = uid === process.getuid?.() ? {} : { uid, gid }
  const env = { PATH: process.env.PATH, HOME: directory, LC_ALL: 'C.UTF-8', TZ: 'UTC' }
  const command = `cd '${directory}'\n${script}`
  return new Promise((resolve, reject) => {
    const options = { cwd: '/', env, maxBuffer: outputMax, ...asUser }
    execFile('bash', ['--norc', '-euo', 'pipefail', '-c', command], options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${script}\n${stdout}${stderr}${error.message}`))
      else resolve(stdout.replace(/\n$/, ''))
    })
  })
}
