// How fast a master with many files comes back, and how much memory it takes.
// The files are made through the executor, as a client's requests would; each
// has one chunk. Then a real leasefs-master is started on the directory: as it
// was left, after SIGKILL, and without its state, as after a crash of the machine.
//
//   node dist/bench/million-files.js [--files 1000000] [--data DIR]

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { SystemClock } from '../src/base/clock.js'
import { openDataDirectory } from '../src/base/data-directory.js'
import { silentLog } from '../src/base/log.js'
import { SystemRandom } from '../src/base/random.js'
import { MiB } from '../src/base/units.js'
import { Child } from '../src/cli/child.js'
import { wholeNumber } from '../src/cli/options.js'
import { program, runProgram } from '../src/cli/program.js'
import { formatVersion, goalDefault, rootIno } from '../src/constants.js'
import { Executor } from '../src/master/executor.js'
import { checkAllocate } from '../src/master/ops/chunks.js'
import { checkMake } from '../src/master/ops/make.js'
import { checkStart } from '../src/master/ops/start.js'
import { checkWritten } from '../src/master/ops/written.js'
import { openStorage, type Storage } from '../src/master/storage.js'
import { stateIn } from '../src/master/storage-paths.js'
import { FileType } from '../src/wire/gen/common.js'
import type { ClusterId, Ino } from '../src/wire/ids.js'

/** As one finds them: not all in one directory. */
const filesOfDirectory = 1000
const fileSize = 100_000
/** Changes under way at a time: they are carried out together. */
const window = 1000
/** Memory is looked at when the master is ready, and again when its duties have run a while. */
const settleMs = 10_000

const clock = new SystemClock()
const random = new SystemRandom()

interface Options {
  readonly files: number
  readonly data: string
}

async function bench({ files, data }: Options): Promise<void> {
  const root = mkdtempSync(join(resolve(data), 'leasefs-bench-'))
  const directory = join(root, 'master')
  try {
    await generate(directory, files)
    const say = async (title: string, end: 'stop' | 'kill') => {
      const { readyMs, atReady, later } = await run(directory, end)
      process.stdout.write(
        `${title.padEnd(34)} ready after ${(readyMs / 1000).toFixed(2)} s; resident ${atReady}; after a while ${later}\n`,
      )
    }
    await say('stopped in order', 'kill')
    await say('killed', 'kill')
    rmSync(stateIn(directory), { recursive: true })
    await say('machine crashed (state made again)', 'stop')
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** Makes the files, and takes snapshots of them as a running master does. */
async function generate(path: string, files: number): Promise<void> {
  mkdirSync(path)
  const dataDirectory = await openDataDirectory(path, 'master', { formatVersion })
  const clusterId = random.uuid() as ClusterId
  await dataDirectory.update({ clusterId })
  const storage = await openStorage({ directory: path, clusterId, clock, random, log: silentLog })
  const began = clock.now()
  await makeFiles(storage, files)
  const seconds = (clock.now() - began) / 1000
  const mebibytes = (bytes: number) => `${Math.round(bytes / MiB)} MiB`
  const journal = mebibytes(storage.journal.bytesAfter(0))
  process.stdout.write(`${files} files made in ${seconds.toFixed(0)} s; the journal keeps ${journal}\n`)
  await storage.close()
  await dataDirectory.close()
}

async function makeFiles({ state, journal, snapshots }: Storage, files: number): Promise<void> {
  const executor = new Executor({
    ...{ state, journal, clock, log: silentLog, goal: goalDefault, durability: 'process' },
    committed: () => undefined,
  })
  await executor.submit((current, context) => checkStart(current, { uid: 0, gid: 0 }, false, context, random.uuid()))
  const make = async (parent: number, name: string, type: FileType): Promise<Ino> => {
    const request = { parent, name: Buffer.from(name), type, mode: 0o755, uid: 1000, gid: 1000, rdev: 0 }
    const more = { symlinkTarget: Buffer.alloc(0), exclusive: true, open: false }
    await executor.submit((current, context) => checkMake(current, { ...request, ...more }, context))
    return state.dentries.find(parent, request.name) as Ino
  }
  const makeFile = async (parent: Ino, name: string) => {
    const ino = await make(parent, name, FileType.REGULAR)
    await executor.submit(current => checkAllocate(current, ino, [{ index: 0, replicaCount: goalDefault }]))
    const written = { ino, size: fileSize, mtime: undefined, usage: [] }
    await executor.submit((current, context) => checkWritten(current, written, context))
  }
  let directory = rootIno as Ino
  for (let made = 0; made < files; made += window) {
    if (made % filesOfDirectory === 0) directory = await make(rootIno, `directory ${made}`, FileType.DIRECTORY)
    const names = Array.from({ length: Math.min(window, files - made) }, (_, n) => `a file with number ${made + n}`)
    await Promise.all(names.map(name => makeFile(directory, name)))
    if (made % (100 * window) === 0) await snapshots?.look()
  }
  await executor.close()
}

async function run(directory: string, end: 'stop' | 'kill') {
  const began = clock.now()
  const child = new Child({
    ...{ label: 'master', program: 'leasefs-master', exitWithParentMs: 1000, onLine: () => {} },
    args: ['--data', directory, '--listen', '127.0.0.1:0', '--log-level', 'warn'],
  })
  await child.ready
  const readyMs = clock.now() - began
  const atReady = memoryOf(child.pid)
  await clock.sleep(settleMs)
  const later = memoryOf(child.pid)
  if (end === 'stop') await child.stop()
  else {
    child.kill('SIGKILL')
    await child.exited
  }
  return { readyMs, atReady, later }
}

/** All that is resident, and what of it is the mapped file of the state. */
function memoryOf(pid: number): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const figure = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024)
  return `${figure('VmRSS')} MiB (${figure('RssAnon')} its own, ${figure('RssFile') + figure('RssShmem')} of mapped files)`
}

const command = program('million-files', 'How a master with many files comes back.')
  .option('--files <count>', 'how many', wholeNumber(1, 100_000_000), 1_000_000)
  .option('--data <dir>', 'where the data lies', '/dev/shm')
  .action(bench)
await runProgram(command)
