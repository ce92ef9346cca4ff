// What it costs on this machine that two processes wait for each other.

import { execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const exchanges = 3000

/** How often in a second a byte goes to another process and comes back. */
export function measureWakeUps(): number {
  const directory = mkdtempSync(join(tmpdir(), 'leasefs-bench-'))
  const [there, back] = [join(directory, 'there'), join(directory, 'back')]
  try {
    execFileSync('mkfifo', [there, back])
    spawn('sh', ['-c', 'exec cat <"$0" >"$1"', there, back], { stdio: 'ignore' })
    const [to, from] = [openSync(there, 'w'), openSync(back, 'r')]
    const byte = Buffer.alloc(1)
    const begin = performance.now()
    for (let i = 0; i < exchanges; i++) {
      writeSync(to, byte)
      readSync(from, byte)
    }
    const perSecond = exchanges / ((performance.now() - begin) / 1000)
    for (const file of [to, from]) closeSync(file)
    return perSecond
  } finally {
    rmSync(directory, { recursive: true })
  }
}
