// node dist/bench/fuse-binding.js: what the mount itself costs. A binding on a
// file system in memory that forgets what is written; one program uses it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readSync, rmdirSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SystemClock } from '../src/base/clock.js'
import { silentLog } from '../src/base/log.js'
import { KiB, MiB } from '../src/base/units.js'
import { table } from '../src/cli/table.js'
import { mount } from '../src/fuse/mount.js'
import { MemoryFileSystem } from '../test/fuse/harness/memory-file-system.js'

const callsMax = 5000
const bytesMax = 1024 * MiB

const [, , role, directory = ''] = process.argv
await (role === 'serve' ? serve(directory) : measure())

async function serve(mountPoint: string): Promise<void> {
  const fileSystem = new MemoryFileSystem(new SystemClock(), { discard: true })
  const mounted = await mount({ fileSystem, mountPoint, binding: 'auto', log: silentLog })
  process.once('SIGTERM', () => void mounted.unmount())
  process.stdout.write('ready\n')
  await mounted.closed
}

/** Synchronous calls, one after another: the mount is served by another process. */
async function measure(): Promise<void> {
  const mountPoint = mkdtempSync(join(tmpdir(), 'leasefs-bench-'))
  const server = spawn(process.execPath, [fileURLToPath(import.meta.url), 'serve', mountPoint], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(server.stdout, 'data')
  try {
    process.stdout.write(`${table(['operation', 'rate', 'each'], figures(join(mountPoint, 'f')))}\n`)
  } finally {
    server.kill('SIGTERM')
    await once(server, 'exit')
    rmdirSync(mountPoint)
  }
}

function figures(path: string): (readonly string[])[] {
  closeSync(openSync(path, 'w'))
  const writer = openSync(`${path}-4k`, 'w')
  const small = Buffer.alloc(4 * KiB)
  const rows = [
    calls('stat', () => statSync(path)),
    calls('stat of a missing name', () => statSync(`${path}-missing`, { throwIfNoEntry: false })),
    calls('create and close', i => closeSync(openSync(`${path}${i}`, 'w'))),
    calls('unlink', i => unlinkSync(`${path}${i}`)),
    calls('write of 4 KiB', () => writeSync(writer, small)),
    throughput('write, 1 MiB a call', openSync(path, 'w'), writeSync),
    throughput('read, 1 MiB a call', openSync(path, 'r'), readSync),
  ]
  closeSync(writer)
  return rows
}

function calls(what: string, call: (i: number) => void): string[] {
  const begin = performance.now()
  for (let i = 0; i < callsMax; i++) call(i)
  const seconds = (performance.now() - begin) / 1000
  return [what, `${Math.round(callsMax / seconds)}/s`, `${Math.round((seconds / callsMax) * 1e6)} µs`]
}

function throughput(what: string, file: number, call: (file: number, buffer: Buffer) => number): string[] {
  const buffer = Buffer.alloc(1 * MiB)
  const begin = performance.now()
  for (let done = 0; done < bytesMax; ) done += call(file, buffer)
  const seconds = (performance.now() - begin) / 1000
  closeSync(file)
  return [what, `${Math.round(bytesMax / MiB / seconds)} MiB/s`, '']
}
