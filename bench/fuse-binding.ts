// node dist/bench/fuse-binding.js [rounds]: what each binding itself costs. All
// on a file system in memory that forgets what is written, measured in turns by
// one program that makes one call after the other; the median of the rounds counts.
//
// The yardstick is a byte that goes to another process and comes back: a call costs
// two wake-ups too, which on idle virtual processors is most of it. Under
// `taskset -c 0` there are none, and what is left is the binding's own.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SystemClock } from '../src/base/clock.js'
import { silentLog } from '../src/base/log.js'
import { second } from '../src/base/units.js'
import { type Cell, table } from '../src/cli/table.js'
import type { BindingName } from '../src/fuse/bindings/binding.js'
import { mount } from '../src/fuse/mount.js'
import { MemoryFileSystem } from '../test/fuse/harness/memory-file-system.js'
import { type Figure, figures } from './fuse-figures.js'
import { measureWakeUps } from './wake-ups.js'

const variants: readonly { readonly name: string; readonly binding: BindingName; readonly exclusive: boolean }[] = [
  { name: 'kernel', binding: 'kernel', exclusive: false },
  { name: 'fuse-native', binding: 'fuse-native', exclusive: false },
  { name: 'kernel --exclusive', binding: 'kernel', exclusive: true },
]
const roundsDefault = 5

/** As a client's lease lasts; without it, the kernel asks for the size before each write that it holds back. */
const cacheValidMs = 3 * second

interface Server {
  readonly mountPoint: string
  stop(): Promise<void>
}

const [, , first = String(roundsDefault), directory = '', variant = ''] = process.argv
await (first === 'serve' ? serve(directory, Number(variant)) : measure(Number(first)))

/** The kernel may keep no attributes here, so that each question is a request; but if it is to hold writes back, it must. */
async function serve(mountPoint: string, variant: number): Promise<void> {
  const { binding = 'kernel', exclusive = false } = variants[variant] ?? {}
  const caching = exclusive ? { cacheValidMs } : {}
  const fileSystem = new MemoryFileSystem(new SystemClock(), { discard: true, ...caching })
  const mounted = await mount({ fileSystem, mountPoint, binding, exclusive, log: silentLog })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void mounted.unmount())
  process.stdout.write('ready\n')
  await mounted.closed
}

async function measure(rounds: number): Promise<void> {
  const servers = await Promise.all(variants.map((_, i) => start(i)))
  const results = figures.map(() => variants.map((): number[] => []))
  const wakeUps: number[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [i, figure] of figures.entries()) {
        for (const [j, { mountPoint }] of servers.entries())
          results[i]?.[j]?.push(figure.measure(join(mountPoint, 'f')))
      }
      wakeUps.push(measureWakeUps())
      process.stderr.write(`  round ${round + 1} of ${rounds}\n`)
    }
  } finally {
    await Promise.all(servers.map(server => server.stop()))
  }
  process.stdout.write(`${cpus().length} cores, Node ${process.version}, medians of ${rounds} alternating rounds\n`)
  process.stdout.write(`a byte to another process and back: ${median(wakeUps).toFixed(0)}/s\n\n`)
  const rows = figures.map((figure, i) => row(figure, results[i]?.map(median) ?? []))
  process.stdout.write(`${table(['MEASURE', 'UNIT', ...variants.map(({ name }) => name), 'RATIO', 'AIM'], rows)}\n`)
}

/** Each mount is served by a process of its own: the calls of this one are synchronous. */
async function start(variant: number): Promise<Server> {
  const mountPoint = mkdtempSync(join(tmpdir(), 'leasefs-bench-'))
  const program = fileURLToPath(import.meta.url)
  const args = ['--single-threaded-gc', program, 'serve', mountPoint, String(variant)]
  const env = { ...process.env, UV_THREADPOOL_SIZE: '16' } // As bin/run.js has it.
  const server = spawn(process.execPath, [...process.execArgv, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env })
  const exited = once(server, 'exit')
  await Promise.race([once(server.stdout, 'data'), exited])
  return {
    mountPoint,
    async stop() {
      server.kill('SIGTERM')
      await exited
      rmdirSync(mountPoint)
    },
  }
}

function row({ name, unit, aim }: Figure, values: readonly number[]): Cell[] {
  const [kernel = 0, native = 0] = values
  const shown = values.map(value => Number(unit === '/s' ? value.toFixed(0) : value.toFixed(2)))
  return [name, unit, ...shown, `${(kernel / native).toFixed(1)}x`, aim ?? '']
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
