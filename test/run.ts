// Runs tests, each file in a process of its own, and shows them (reporter.ts):
// those named as arguments, or all.
//
// `tap run` would do the same, but has each process note every module that it
// loads, for coverage that nobody asked for: 0.8 s of processor time a file, more
// than most files take. tap puts that into NODE_OPTIONS.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import Reporter from './reporter.js'

/** Two cores are enough for every file; one that starts a cluster has several processes of its own. */
const jobs = 2
const timeoutMs = 600_000

/** Folders whose tests take longest: they begin first, so that no core is left alone with one of them at the end. */
const first = ['programs', 'posix', 'cluster']

const here = dirname(fileURLToPath(import.meta.url))

/** What has a `t` of its own is a test; the rest is what tests share. */
function isTest(file: string): boolean {
  return file.endsWith('.js') && /^import t\b.* from 'tap';$/m.test(readFileSync(file, 'utf8'))
}

function allTests(): string[] {
  const files = readdirSync(here, { recursive: true, encoding: 'utf8' })
    .sort()
    .map(name => join(here, name))
  const tests = files.filter(file => file !== fileURLToPath(import.meta.url) && isTest(file))
  const rank = (file: string) => first.indexOf(relative(here, file).split('/')[0] ?? '') + 1 || first.length + 1
  return tests.sort((a, b) => rank(a) - rank(b))
}

const named = process.argv.slice(2)
const files = named.length > 0 ? named : allTests()
const { execPath } = process
/** tap has each test know its limit, too. */
const env = { ...process.env, TAP_TIMEOUT: String(timeoutMs / 1000) }
t.register()
t.pipe(new Reporter()).pipe(process.stdout)
t.setTimeout(0)
t.jobs = jobs
t.plan(files.length)
for (const file of files) {
  const command = ['-u', 'NODE_OPTIONS', execPath, '--enable-source-maps', file]
  t.spawn('env', command, { env, buffered: true, timeout: timeoutMs, stdio: 'pipe' }, relative('.', file))
}
