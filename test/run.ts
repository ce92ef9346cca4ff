// Runs tests and shows them (reporter.ts): those named as arguments, each in a
// process of its own, or all. Of all, those of a room that start no process and
// take milliseconds share one: to start one takes longer than most of them.
//
// `tap run` would do the same, but has each process note every module that it
// loads, for coverage that nobody asked for: 0.8 s of processor time a file, more
// than most files take. tap puts that into NODE_OPTIONS.

import type { ChildProcess } from 'node:child_process'
import { type EventEmitter, once } from 'node:events'
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

/** Rooms whose tests are of one process and in simulated time. */
const quick = ['base', 'chunkserver', 'client', 'dataplane', 'fuse', 'master', 'rpc', 'wire']
/** Files that share a process: so many are done while another process does as many. */
const togetherMax = 40

/** What has to do with the process it runs in, or with others, has one of its own. */
function isAlone(file: string): boolean {
  return !quick.includes(relative(here, file).split('/')[0] ?? '') || /\bprocess\b/.test(readFileSync(file, 'utf8'))
}

/** Files for each process. */
function processes(files: readonly string[]): string[][] {
  const alone = files.filter(isAlone)
  const together = new Map<string, string[]>()
  for (const file of files.filter(file => !alone.includes(file))) {
    const room = relative(here, file).split('/')[0] ?? ''
    together.set(room, [...(together.get(room) ?? []), file])
  }
  const parts = [...together.values()].flatMap(all => {
    return Array.from({ length: Math.ceil(all.length / togetherMax) }, (_, i) =>
      all.slice(i * togetherMax, (i + 1) * togetherMax),
    )
  })
  return [...alone.map(file => [file]), ...parts]
}

function titleOf(files: readonly string[]): string {
  const [first = '', ...more] = files.map(file => relative('.', file))
  return more.length === 0 ? first : `${first} to ${relative(dirname(first), more.at(-1) ?? '')}, ${files.length} files`
}

/** Whoever ends this run ends the tests: then their daemons notice, and take their mounts away. */
function endTogether(): void {
  const running = new Set<ChildProcess>()
  let ending: NodeJS.Signals | undefined
  t.on('spawn', (spawned: EventEmitter) => {
    spawned.once('process', (child: ChildProcess) => {
      running.add(child)
      child.once('close', () => running.delete(child))
      if (ending) child.kill('SIGKILL')
    })
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, async () => {
      ending ??= signal
      await Promise.all([...running].map(child => child.kill(signal) && once(child, 'close')))
      process.exit(1)
    })
  }
}

const named = process.argv.slice(2)
const runs = named.length > 0 ? named.map(file => [file]) : processes(allTests())
const { execPath } = process
/** tap has each test know its limit, too. */
const env = { ...process.env, TAP_TIMEOUT: String(timeoutMs / 1000) }
t.register()
t.pipe(new Reporter()).pipe(process.stdout)
t.setTimeout(0)
t.jobs = jobs
t.plan(runs.length)
endTogether()
for (const files of runs) {
  const imported = files.slice(0, -1).flatMap(file => ['--import', file])
  const command = ['-u', 'NODE_OPTIONS', execPath, '--enable-source-maps', ...imported, ...files.slice(-1)]
  t.spawn('env', command, { env, buffered: true, timeout: timeoutMs, stdio: 'pipe' }, titleOf(files))
}
