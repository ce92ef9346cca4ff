// Where real programs run in the tests of this directory: on a mount of a
// cluster of processes, and on the local file system beside it. What is right is
// what the local file system shows: a script that prints what it sees must print
// the same on both.
//
// With LEASEFS_TEST_DIRECTORY set, that directory is taken for the mount: a test
// is right only if it passes on a local file system, and any other mount can be
// tried.

import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { type Cluster, cannotMount, startCluster } from '../cluster/harness.js'

/** A real tree that is wherever npm is, from nodejs.org or from Debian: some 140 files of JavaScript in 20 directories. */
export const realTree = [join(dirname(process.execPath), '../lib/node_modules'), '/usr/share/nodejs']
  .map(modules => join(modules, 'npm/lib'))
  .find(tree => existsSync(tree))

/** Runs a script of bash with -e, -u and pipefail. Resolves with what it printed, without the last newline. */
export type Shell = (script: string) => Promise<string>

export interface Places {
  /** In an empty directory of the mount. */
  readonly mount: Shell
  /** In an empty directory of the local file system. */
  readonly local: Shell
  /** On both, the local one first; that they print the same is asserted. */
  readonly both: Shell
  /** The two directories, and one for what is on no side, such as sockets. */
  readonly mountDirectory: string
  readonly localDirectory: string
  readonly scratch: string
}

/** Enough for a machine that is busy with other things, and within what tap gives a file. */
const scriptSecondsMax = 240
const outputMax = 16 * 2 ** 20

const elsewhere = process.env.LEASEFS_TEST_DIRECTORY

/** Why these tests can't run here, if they can't. */
export const cannotRun: string | false = elsewhere
  ? false
  : process.getuid?.() !== 0
    ? 'only root mounts by the kernel binding'
    : cannotMount

/** A file system for the tests of one file. */
export class Bench {
  /** The mounts of one cluster: one place to work in, and the same place seen by others. */
  readonly mountPoints: readonly string[]
  readonly #local: string
  #count = 0

  private constructor(mountPoints: readonly string[], local: string) {
    this.mountPoints = mountPoints
    this.#local = local
  }

  static async start(t: Test, mounts = 1): Promise<Bench> {
    const local = mkdtempSync(join(tmpdir(), 'leasefs-local-'))
    t.teardown(() => rmSync(local, { recursive: true, force: true }))
    if (elsewhere) {
      const directory = mkdtempSync(join(elsewhere, 'programs-'))
      t.teardown(() => rmSync(directory, { recursive: true, force: true }))
      for (const path of [local, directory]) chmodSync(path, 0o755)
      return new Bench(Array(mounts).fill(directory), local)
    }
    const cluster: Cluster = await startCluster(t, { mounts, mountArgs: ['--binding', 'kernel'] })
    // Programs that give up root's rights get there too.
    for (const path of [local, cluster.directory]) chmodSync(path, 0o755)
    return new Bench(cluster.mountPoints, local)
  }

  /** A test with directories of its own. How long its scripts took on each side is told as a comment. */
  test(t: Test, fact: string, body: (t: Test, places: Places) => Promise<void>): void {
    const name = `test-${++this.#count}`
    void t.test(fact, async t => {
      const mountDirectory = join(this.mountPoints[0] as string, name)
      const localDirectory = join(this.#local, name)
      const scratch = join(this.#local, `${name}-scratch`)
      for (const path of [mountDirectory, localDirectory, scratch]) mkdirSync(path)
      const ms = { mount: 0, local: 0 }
      const at = (side: 'mount' | 'local', directory: string) => async (script: string) => {
        const start = performance.now()
        try {
          return await run(t, script, directory, scratch)
        } finally {
          ms[side] += performance.now() - start
        }
      }
      const mount = at('mount', mountDirectory)
      const local = at('local', localDirectory)
      const both = async (script: string) => {
        const wanted = await local(script)
        const found = await mount(script)
        t.equal(found, wanted, 'the same on the mount and on the local file system')
        return found
      }
      await body(t, { mount, local, both, mountDirectory, localDirectory, scratch })
      const inSeconds = (time: number) => (time / 1000).toFixed(2)
      t.comment(`${inSeconds(ms.mount)} s on the mount, ${inSeconds(ms.local)} s on the local file system`)
    })
  }
}

/**
 * Runs a script in a directory. All that it started is gone afterwards, however it
 * ended, and also if this process is gone by then: its processes, their shared
 * memory and what they mount have namespaces of their own, which end with it.
 *
 * @throws with what it said, if it fails or takes too long
 */
export function run(t: Test, script: string, directory: string, home: string): Promise<string> {
  const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, HOME: home, TMPDIR: home, LC_ALL: 'C.UTF-8', TZ: 'UTC' }
  const limit = ['--kill-after=5', String(scriptSecondsMax)]
  const namespaces = ['unshare', '--pid', '--ipc', '--mount', '--propagation=slave', '--fork', '--kill-child']
  const bash = ['bash', '--norc', '-euo', 'pipefail', '-c', `cd '${directory}'\n${script}`]
  const child = spawn('timeout', [...limit, ...namespaces, ...bash], {
    cwd: '/',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    if (stdout.length < outputMax) stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    if (stderr.length < outputMax) stderr += text
  })
  t.teardown(() => child.kill()) // Before the mount goes; timeout passes it on.
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const why = code === 124 ? `took longer than ${scriptSecondsMax} s` : `ended with ${code ?? signal}`
      if (code === 0) resolve(stdout.replace(/\n$/, ''))
      else reject(new Error(`${why}: ${script}\n${stdout}${stderr}`))
    })
  })
}
