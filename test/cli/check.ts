// leasefs-master --check as a program: its words and its exit codes.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openDataDirectory } from '../../src/base/data-directory.js'
import { formatVersion } from '../../src/constants.js'
import { runProgram } from '../cluster/programs.js'
import { makeDataDirectory } from '../master/harness/data-directory.js'

/** What every file has. The lock comes and goes. */
function picture(path: string): Record<string, string> {
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const paths = files.map(entry => join(entry.parentPath, entry.name)).filter(file => !/lock/.test(file))
  return Object.fromEntries(paths.map(file => [file, createHash('sha256').update(readFileSync(file)).digest('hex')]))
}

async function check(t: Test, path: string) {
  const before = picture(path)
  const outcome = await runProgram('leasefs-master', ['--data', path, '--check'])
  t.same(picture(path), before, 'nothing is changed')
  return outcome
}

t.test('a directory is checked, and the exit code says how it is', async t => {
  const directory = t.testdir({ empty: {} })
  const path = join(directory, 'data')
  await makeDataDirectory(path)
  const well = await check(t, path)
  t.match(well, { code: 0, stdout: /^.*: cluster .*, records 13 to 32, snapshots after 12 and 22: all is well\n$/ })

  const file = join(path, 'state', 'data.mdb')
  const bytes = readFileSync(file)
  bytes.fill(0xa5, 8192) // LMDB ends the process that reads this.
  writeFileSync(file, bytes)
  t.match(await check(t, path), { code: 2, stdout: /data\.mdb: .*\n.*: \d+ wrong\n$/ })

  t.match(await check(t, join(directory, 'empty')), { code: 1, stderr: /is not a data directory of a master/ })
  const running = await openDataDirectory(path, 'master', { formatVersion })
  t.match(await check(t, path), { code: 1, stderr: /^leasefs-master: .*in use/ })
  await running.close()
})
