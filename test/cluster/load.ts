// Programs that use a mount until they are stopped or can't go on, and what of
// their work was acknowledged to them.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'

const fileSize = 300_001
const appended = 'line of a log\n'

/**
 * Each prints a name when the content of that file has been acknowledged: by
 * close(2), whose result cp and dd look at, by fsync(2), or both. They work in the
 * mount by its inside ("cd"), as what is mounted there may be taken away.
 */
const programs = [
  'i=0; while cp "$SOURCE" "closed-$i"; do echo "closed-$i"; i=$((i + 1)); done',
  'i=0; while dd if="$SOURCE" of="synced-$i" bs=64k conv=fsync; do echo "synced-$i"; i=$((i + 1)); done',
  'dd if=/dev/zero of=large bs=1M count=100000',
  'while find . -type f -printf "%s\\n" >/dev/null; do :; done',
  `exec 3>>log; while printf '${appended.replace('\n', '\\n')}' >&3 && sync log; do echo log; done`,
]

export class Load {
  readonly #directory: string
  readonly #source: string
  readonly #processes: ChildProcess[] = []
  readonly #acknowledged: string[] = []

  /** @param source a file elsewhere, which is made here */
  constructor(t: Test, directory: string, source: string) {
    this.#directory = directory
    this.#source = source
    writeFileSync(source, randomBytes(fileSize))
    for (const program of programs) {
      const child = spawn('bash', ['--norc', '-c', `cd '${directory}' && ${program}`], {
        cwd: '/',
        detached: true,
        env: { PATH: process.env.PATH, SOURCE: source },
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      createInterface({ input: child.stdout }).on('line', name => this.#acknowledged.push(name))
      this.#processes.push(child)
    }
    t.teardown(() => this.stop())
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.length
  }

  /** Ends the programs, those that wait in the kernel too. */
  async stop(): Promise<void> {
    await Promise.all(this.#processes.map(end))
  }

  /** Resolves when all have ended by themselves: their mount is gone. */
  async ended(): Promise<void> {
    await Promise.all(this.#processes.map(child => isRunning(child) && once(child, 'close')))
  }

  /** That all that was acknowledged is there. */
  check(t: Test): void {
    const source = readFileSync(this.#source)
    const files = this.#acknowledged.filter(name => name !== 'log')
    const wrong = files.filter(name => !content(join(this.#directory, name)).equals(source))
    t.same(wrong, [], `${files.length} files are as they were acknowledged`)
    const lines = this.#acknowledged.length - files.length
    const log = content(join(this.#directory, 'log')).toString()
    t.ok(
      log.startsWith(appended.repeat(lines)),
      `${lines} lines were synced, ${log.length / appended.length} are there`,
    )
  }
}

/** What can't be read is told as wrong, not thrown. */
function content(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (reason) {
    return Buffer.from((reason as Error).message)
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (!isRunning(child) || child.pid === undefined) return
  const closed = once(child, 'close')
  process.kill(-child.pid, 'SIGKILL')
  await closed
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}
