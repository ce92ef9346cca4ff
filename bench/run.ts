// npm run bench [-- --data DIR] [--quick]: figures of a whole local cluster, as
// one program on its mount sees them.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { LeasefsError } from '../src/base/errors.js'
import { LocalCluster } from '../src/cli/local-cluster.js'
import { addMountOptions, checkMountChoices, type MountChoices } from '../src/cli/mount-options.js'
import { wholeNumber } from '../src/cli/options.js'
import { program, runProgram } from '../src/cli/program.js'
import { bytesText, table } from '../src/cli/table.js'
import { goalMax } from '../src/constants.js'
import { baseline, baselineName } from './baseline.js'
import { dropCaches } from './drop-caches.js'
import type { Figure } from './workload.js'

interface Options extends MountChoices {
  readonly data: string
  readonly quick?: boolean
  readonly chunkservers: number
  readonly goal: number
  readonly directory?: string
  readonly logLevel: string
}

await runProgram(
  addMountOptions(program('bench', 'Measures a local cluster through its mount.'))
    .option('--data <dir>', 'where the cluster keeps its data meanwhile', dataDefault())
    .option('--quick', 'a quarter of the work')
    .option('--chunkservers <count>', 'how many', wholeNumber(1, 64), 3)
    .option('--goal <count>', 'replicas of each chunk', wholeNumber(1, goalMax), 3)
    .option('--directory <dir>', 'measure this directory instead, whatever is mounted there')
    .option('--log-level <level>', 'of the processes', 'error')
    .action(bench),
)

async function bench(options: Options): Promise<void> {
  process.stdout.write(`${cpus().length} cores, ${bytesText(totalmem())} memory, Node ${process.version}\n`)
  if (!dropCaches()) process.stdout.write('not root: "cold" figures are with the kernel\'s caches as they are\n')
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
  const use = (directory: string) => measure(directory, options.quick === true, stop.signal)
  try {
    if (options.directory) await use(resolve(options.directory))
    else await withCluster(options, use)
  } catch (reason) {
    // What fails because we were told to stop is no failure.
    if (!stop.signal.aborted) throw reason
    process.stderr.write('bench: stopped\n')
    process.exitCode = 1
  }
}

async function withCluster(options: Options, use: (mountPoint: string) => Promise<void>): Promise<void> {
  checkMountChoices(options)
  const { chunkservers, goal, logLevel } = options
  const root = mkdtempSync(join(resolve(options.data), 'leasefs-bench-'))
  const mountPoint = join(root, 'mnt')
  mkdirSync(mountPoint)
  const settings = {
    chunkservers,
    goal,
    mount: options,
    logLevel,
    listen: { host: '127.0.0.1', port: 0 },
    trace: undefined,
    trash: 0,
    trashBytes: 0,
  }
  const cluster = new LocalCluster({ ...settings, data: join(root, 'data'), mountPoint }, line =>
    process.stderr.write(`${line}\n`),
  )
  try {
    await cluster.start()
    process.stdout.write(
      `${chunkservers} chunkservers, goal ${goal}, binding ${options.binding}, data in ${options.data}\n`,
    )
    await use(mountPoint)
  } finally {
    await cluster.stop()
    rmSync(root, { recursive: true, force: true })
  }
}

/** The workload makes synchronous calls, so it has a process of its own, and this one can still be told to stop. */
async function measure(directory: string, isQuick: boolean, signal: AbortSignal): Promise<void> {
  const work = mkdtempSync(join(directory, 'bench-'))
  const rows: (readonly (string | number)[])[] = []
  const program = fileURLToPath(new URL('workload.js', import.meta.url))
  const child = spawn(process.execPath, [program, join(work, 'work'), isQuick ? 'quick' : 'full'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
    killSignal: 'SIGKILL',
  })
  const exit = once(child, 'exit')
  exit.catch(() => {}) // Whoever waits for it hears of that below.
  child.on('error', () => {}) // It was told to stop, perhaps when it had ended already.
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const { name, value, unit }: Figure = JSON.parse(line)
      process.stderr.write(`  ${name}: ${value.toFixed(1)} ${unit}\n`)
      rows.push([name, Number(value.toPrecision(3)), unit, baseline[name] ?? ''])
    }
    const [code] = await exit
    if (code !== 0) throw new LeasefsError('IO', 'the workload has failed')
  } finally {
    rmSync(work, { recursive: true, force: true })
    if (rows.length > 0) {
      process.stdout.write(`\n${table(['MEASURE', 'RESULT', 'UNIT', baselineName.toUpperCase()], rows)}\n`)
    }
  }
}

/** In memory where there is such a place: the software is what is measured. */
function dataDefault(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}
