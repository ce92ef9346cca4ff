import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { KiB, MiB } from '../../../src/base/units.js'
import { punchesAtOnceMax } from '../../../src/chunkserver/store/limits.js'
import { HolePuncher } from '../../../src/chunkserver/store/punch-hole.js'

t.test('a hole takes no space and reads as zeros; the file is as long as before', async t => {
  const path = join(t.testdir(), 'file')
  writeFileSync(path, Buffer.alloc(4 * MiB, 1))
  const holes = new HolePuncher(silentLog)
  if (!(await holes.punch(path, MiB + 4 * KiB, MiB))) return t.comment('not possible on this machine')
  t.equal(await holes.punch(path, 4 * MiB - 100, MiB), true, 'also over the end')
  t.ok(statSync(path).blocks * 512 <= 3 * MiB)
  const expected = Buffer.alloc(4 * MiB, 1)
  expected.fill(0, MiB + 4 * KiB, 2 * MiB + 4 * KiB).fill(0, 4 * MiB - 100)
  t.ok(readFileSync(path).equals(expected))
})

t.test('what is missing, or refuses, is tried once', async t => {
  const path = join(t.testdir(), 'log')
  const refusing = join(t.testdir(), 'refusing')
  writeFileSync(refusing, `#!/bin/sh\necho tried >> '${path}'\nexit 1\n`)
  chmodSync(refusing, 0o755)
  for (const program of ['there-is-no-such-program', refusing]) {
    const warnings: unknown[] = []
    const log = { ...silentLog, warn: (fields: unknown) => void warnings.push(fields) } as typeof silentLog
    const holes = new HolePuncher(log, program)
    for (let count = 0; count < 3; count++) t.equal(await holes.punch('/x', 0, 1), false)
    t.equal(warnings.length, 1)
  }
  t.equal(readFileSync(path, 'utf8'), 'tried\n')
})

t.test('only some run at a time, and everyone has a turn', async t => {
  const directory = t.testdir()
  const program = join(directory, 'slow')
  const log = join(directory, 'log')
  writeFileSync(program, `#!/bin/sh\necho + >> '${log}'\nsleep 0.05\necho - >> '${log}'\n`)
  chmodSync(program, 0o755)
  const holes = new HolePuncher(silentLog, program)
  const all = await Promise.all(Array.from({ length: 3 * punchesAtOnceMax }, () => holes.punch('/x', 0, 1)))
  t.ok(all.every(Boolean))
  let running = 0
  for (const line of readFileSync(log, 'utf8').trim().split('\n')) {
    running += line === '+' ? 1 : -1
    if (running > punchesAtOnceMax) t.fail(`${running} at once`)
  }
  t.equal(running, 0)
})
