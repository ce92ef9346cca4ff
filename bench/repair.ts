// How fast a lost server's replicas are made again, and what that costs a
// client that writes meanwhile. Four chunkservers in memory, one of which is
// killed; the operator's word is given at once.
//
//   node dist/bench/repair.js [--size 2048] [--rate MiB/s] [--data DIR]

import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { MiB } from '../src/base/units.js'
import { askMaster } from '../src/cli/admin.js'
import { Child, type DaemonName } from '../src/cli/child.js'
import { wholeNumber } from '../src/cli/options.js'
import { program, runProgram } from '../src/cli/program.js'
import { unmountLazily } from '../src/fuse/unmount.js'
import { type Address, parseAddress } from '../src/wire/address.js'
import { MasterService } from '../src/wire/gen/services.js'

const servers = 4
const goal = 3
const fileBytes = 256 * MiB
const aloneMs = 10_000
const pollMs = 200
const megabyte = randomBytes(MiB)

interface Options {
  readonly size: number
  readonly rate?: number
  readonly data: string
}

async function bench({ size, rate, data }: Options): Promise<void> {
  const root = mkdtempSync(join(resolve(data), 'leasefs-bench-'))
  const mountPoint = join(root, 'mnt')
  mkdirSync(mountPoint)
  const children: Child[] = []
  const start = async (label: string, name: DaemonName, args: readonly string[]) => {
    const child = new Child({
      label,
      program: name,
      args: [...args, '--log-level', 'error'],
      exitWithParentMs: 1000,
      onLine: () => {},
    })
    children.push(child)
    return { child, ready: await child.ready }
  }
  try {
    const rates = rate === undefined ? [] : ['--repair-rate', String(rate)]
    const listen = ['--listen', '127.0.0.1:0']
    const master = await start('master', 'leasefs-master', [
      '--data',
      join(root, 'master'),
      '--goal',
      String(goal),
      ...listen,
      ...rates,
    ])
    const address = /listening on ([^ ,]+)/.exec(master.ready)?.[1] ?? ''
    const chunkservers: Child[] = []
    for (let i = 1; i <= servers; i++) {
      const args = ['--data', join(root, `chunkserver-${i}`), '--master', address, ...listen]
      chunkservers.push((await start(`chunkserver-${i}`, 'leasefs-chunkserver', args)).child)
    }
    await start('mount', 'leasefs-mount', [mountPoint, '--master', address])
    await measure(parseAddress(address), mountPoint, size * MiB, () => chunkservers[0]?.kill('SIGKILL'))
  } finally {
    const exits = [...children].reverse().map(child => child.stop())
    await Promise.allSettled(exits)
    await unmountLazily(mountPoint).catch(() => {}) // Usually it is unmounted already.
    rmSync(root, { recursive: true, force: true })
  }
}

async function measure(master: Address, mountPoint: string, lostBytes: number, loseOne: () => void): Promise<void> {
  for (let written = 0; written < (lostBytes * servers) / goal; written += fileBytes) {
    const file = await open(join(mountPoint, `file-${written / fileBytes}`), 'w')
    for (let at = 0; at < fileBytes; at += MiB) await file.write(megabyte, 0, MiB, at)
    await file.close()
  }
  const writer = new Writer(await open(join(mountPoint, 'written'), 'w'))
  await writer.during(() => delay(aloneMs)) // The second time counts: chunks are there, code is warm.
  const alone = await writer.during(() => delay(aloneMs))
  console.log(`a client writes alone:         ${alone.toFixed(0)} MB/s`)

  loseOne()
  await delay(1000)
  await askMaster(master, MasterService.repair, { server: '' })
  const progress = () => askMaster(master, MasterService.progress, {})
  while ((await progress()).repairs === 0) await delay(pollMs)
  const began = performance.now()
  const meanwhile = await writer.during(async () => {
    for (;;) {
      const { chunksBelowGoal } = await askMaster(master, MasterService.status, {})
      if (chunksBelowGoal === 0) return
      await delay(pollMs)
    }
  })
  const { copiedBytes, copiedReplicas, failedCopies } = await progress()
  const seconds = (performance.now() - began) / 1000
  console.log(
    `${copiedReplicas} replicas made again:         ${(copiedBytes / MiB / seconds).toFixed(0)} MB/s (${seconds.toFixed(1)} s, ${failedCopies} tried again)`,
  )
  console.log(
    `the client writes meanwhile:   ${meanwhile.toFixed(0)} MB/s, ${((100 * meanwhile) / alone).toFixed(0)} % of alone`,
  )
  await writer.close()
}

/** Writes one file again and again, a megabyte at a time. */
class Writer {
  readonly #file: FileHandle

  constructor(file: FileHandle) {
    this.#file = file
  }

  /** MB/s while `run` lasts. */
  async during(run: () => Promise<unknown>): Promise<number> {
    const began = performance.now()
    const ended = run().then(() => performance.now())
    let until: number | undefined
    ended.then(at => {
      until = at
    })
    let count = 0
    for (let at = 0; until === undefined; at = (at + MiB) % fileBytes) {
      await this.#file.write(megabyte, 0, MiB, at)
      count++
    }
    return (1000 * count) / (until - began)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

await runProgram(
  program('bench-repair', 'Measures the repair of a lost chunkserver while a client writes.')
    .option('--size <MiB>', 'what is on the server that is lost', wholeNumber(64, 65_536), 2048)
    .option('--rate <MiB/s>', 'what may be copied to one server', wholeNumber(1, 10_000))
    .option('--data <dir>', 'where the cluster keeps its data meanwhile', '/dev/shm')
    .action(bench),
)
