// What fuse-binding.ts measures: each figure leaves the mount as it found it.

import { closeSync, fstatSync, ftruncateSync, openSync, readSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { KiB, MiB } from '../src/base/units.js'

const callsMax = 3000
const bytesMax = 512 * MiB

export interface Figure {
  readonly name: string
  readonly unit: '/s' | 'GB/s'
  /** What the kernel binding is to reach on two cores. */
  readonly aim?: number
  /** @param path that nothing has yet */
  readonly measure: (path: string) => number
}

const small = Buffer.alloc(4 * KiB)
const large = Buffer.alloc(1 * MiB)

export const figures: readonly Figure[] = [
  // One request each, and of a path two: the name is asked for as well.
  { name: 'fstat', unit: '/s', aim: 12_000, measure: path => withFile(path, file => calls(() => fstatSync(file))) },
  { name: 'stat', unit: '/s', measure: path => withFile(path, () => calls(() => statSync(path))) },
  {
    name: 'stat of a missing name',
    unit: '/s',
    measure: path => calls(() => statSync(path, { throwIfNoEntry: false })),
  },
  { name: 'create and close', unit: '/s', measure: path => withMany(path).created },
  { name: 'unlink', unit: '/s', measure: path => withMany(path).unlinked },
  {
    name: 'write of 4 KiB',
    unit: '/s',
    aim: 12_000,
    measure: path => withFile(path, file => calls(() => writeSync(file, small))),
  },
  {
    name: 'write, 1 MiB a call',
    unit: 'GB/s',
    aim: 1.5,
    measure: path => withFile(path, file => throughput(() => writeSync(file, large))),
  },
  {
    name: 'read, 1 MiB a call',
    unit: 'GB/s',
    measure: path =>
      withFile(path, file => {
        ftruncateSync(file, bytesMax)
        return throughput(at => readSync(file, large, 0, large.length, at))
      }),
  },
]

/** Without the close: that of a mount flushes, and is no part of the figure. */
function withFile(path: string, measure: (file: number) => number): number {
  const file = openSync(path, 'w+')
  try {
    return measure(file)
  } finally {
    closeSync(file)
    unlinkSync(path)
  }
}

function withMany(path: string): { readonly created: number; readonly unlinked: number } {
  const created = calls(i => closeSync(openSync(`${path}${i}`, 'w')))
  return { created, unlinked: calls(i => unlinkSync(`${path}${i}`)) }
}

function calls(call: (i: number) => void): number {
  const begin = performance.now()
  for (let i = 0; i < callsMax; i++) call(i)
  return callsMax / ((performance.now() - begin) / 1000)
}

/** In GB/s. */
function throughput(call: (offset: number) => number): number {
  const begin = performance.now()
  for (let done = 0; done < bytesMax; ) done += call(done)
  return bytesMax / 1e6 / (performance.now() - begin)
}
