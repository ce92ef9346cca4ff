// The workload, as a program: what one process sees on a directory, whatever is
// mounted there. Calls are synchronous, one after another, as most programs make
// them, except where it says "two writers". Prints a Figure as JSON on each line.
//
//   node dist/bench/workload.js DIR full|quick

import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { SeededRandom } from '../src/base/random.js'
import { KiB, MiB } from '../src/base/units.js'
import { dropCaches } from './drop-caches.js'

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
}

interface Size {
  readonly fileBytes: number
  readonly smallWrites: number
  readonly randomCalls: number
  readonly files: number
  /** A tree of real files to copy in. */
  readonly tree: string
}

const full: Size = { fileBytes: 512 * MiB, smallWrites: 8192, randomCalls: 2000, files: 3000, tree: '/usr/include' }
const quick: Size = { ...full, fileBytes: 128 * MiB, smallWrites: 2048, randomCalls: 500, files: 500 }

const megabyte = randomBytes(MiB)
const page = megabyte.subarray(0, 4 * KiB)

const [directory, size] = process.argv.slice(2)
if (directory === undefined) throw new Error('usage: workload.js DIR full|quick')
await runWorkload(directory, size === 'quick' ? quick : full)

/** Runs all phases in a new directory. */
async function runWorkload(directory: string, size: Size): Promise<void> {
  mkdirSync(directory)
  sequential(directory, size)
  await twoWriters(directory, size)
  random(directory, size)
  smallFiles(directory, size)
  tree(directory, size)
}

function report(name: string, value: number, unit: string): void {
  writeSync(1, `${JSON.stringify({ name, value, unit } satisfies Figure)}\n`)
}

function sequential(directory: string, { fileBytes, smallWrites }: Size): void {
  const path = join(directory, 'large')
  const count = fileBytes / MiB
  for (let round = 0; round < 2; round++) {
    // The second round is the one that counts: chunks are there, code is warm.
    const write = seconds(() => writeFile(path, megabyte, count))
    dropCaches()
    const read = seconds(() => readFile(path, MiB, megabyte))
    if (round === 0) continue
    report('sequential write, 1 MiB calls', count / write, 'MB/s')
    report('sequential read, 1 MiB calls, cold', count / read, 'MB/s')
  }
  dropCaches()
  const read = seconds(() => readFile(path, 4 * KiB))
  report('sequential read, 4 KiB calls, cold', count / read, 'MB/s')
  const write = seconds(() => writeFile(join(directory, 'small'), page, smallWrites))
  report('sequential write, 4 KiB calls', (smallWrites * page.length) / MiB / write, 'MB/s')
}

async function twoWriters(directory: string, { fileBytes }: Size): Promise<void> {
  const count = fileBytes / MiB / 2
  const write = async (name: string) => {
    const file = await open(join(directory, name), 'w')
    for (let i = 0; i < count; i++) await file.write(megabyte)
    await file.sync()
    await file.close()
  }
  const start = performance.now()
  await Promise.all([write('one'), write('two')])
  report('two writers, 1 MiB calls', (2 * count * 1000) / (performance.now() - start), 'MB/s')
}

function random(directory: string, { fileBytes, randomCalls }: Size): void {
  const random = new SeededRandom(7)
  const place = () => Math.floor(random.next() * (fileBytes / page.length)) * page.length
  const file = openSync(join(directory, 'large'), 'r+')
  const buffer = Buffer.alloc(page.length)
  dropCaches()
  const read = seconds(() => repeat(randomCalls, () => readSync(file, buffer, 0, page.length, place())))
  report('random read, 4 KiB, cold', randomCalls / read, '/s')
  const write = seconds(() => {
    repeat(randomCalls, () => writeSync(file, page, 0, page.length, place()))
    fsyncSync(file)
  })
  report('random write, 4 KiB', randomCalls / write, '/s')
  const synced = Math.ceil(randomCalls / 10)
  const sync = seconds(() =>
    repeat(synced, () => {
      writeSync(file, page, 0, page.length, place())
      fsyncSync(file)
    }),
  )
  report('random write, 4 KiB, fsync each', synced / sync, '/s')
  closeSync(file)
}

function smallFiles(directory: string, { files }: Size): void {
  const folder = join(directory, 'files')
  mkdirSync(folder)
  const rate = (name: string, act: (i: number) => void) => report(name, files / seconds(() => repeat(files, act)), '/s')
  const empty = (i: number) => join(folder, `empty-${i}`)
  const small = (i: number) => join(folder, `small-${i}`)

  rate('create empty files', i => closeSync(openSync(empty(i), 'w')))
  rate('create and write 4 KiB files', i => writeFileSync(small(i), page))
  rate('stat, warm', i => statSync(empty(i)))
  dropCaches()
  rate('stat, cold', i => statSync(empty(i)))
  dropCaches()
  const listed = seconds(() => {
    for (const name of readdirSync(folder)) statSync(join(folder, name))
  })
  report('list and stat, cold', (2 * files) / listed, '/s')
  dropCaches()
  rate('read 4 KiB files, cold', i => check(readFileSync(small(i)).equals(page), small(i)))
  rate('rename', i => renameSync(empty(i), `${empty(i)}-new`))
  rate('unlink', i => unlinkSync(`${empty(i)}-new`))
}

function tree(directory: string, { tree }: Size): void {
  if (!existsSync(tree)) return
  const copy = join(directory, 'tree')
  mkdirSync(copy)
  const unpack = seconds(() => execFileSync('sh', ['-c', 'tar -C "$1" -cf - . | tar -C "$2" -xf -', 'sh', tree, copy]))
  const count = readdirSync(copy, { recursive: true }).length
  report(`untar ${tree}`, count / unpack, 'files/s')
  execFileSync('diff', ['-r', '--no-dereference', tree, copy])
  const remove = seconds(() => rmSync(copy, { recursive: true }))
  report('rm -r of it', count / remove, 'files/s')
}

function writeFile(path: string, block: Buffer, count: number): void {
  const file = openSync(path, 'w')
  repeat(count, () => writeSync(file, block))
  fsyncSync(file)
  closeSync(file)
}

/** Reads to the end; each block must be `expected`, if that is given. */
function readFile(path: string, blockSize: number, expected?: Buffer): void {
  const file = openSync(path, 'r')
  const buffer = Buffer.alloc(blockSize)
  while (readSync(file, buffer) > 0) if (expected) check(buffer.equals(expected), path)
  closeSync(file)
}

function check(isRight: boolean, path: string): void {
  if (!isRight) throw new Error(`${path}: what was read is not what was written`)
}

function repeat(count: number, act: (i: number) => void): void {
  for (let i = 0; i < count; i++) act(i)
}

function seconds(act: () => void): number {
  const start = performance.now()
  act()
  return (performance.now() - start) / 1000
}
