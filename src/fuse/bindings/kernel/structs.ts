// The structures of the protocol, as tables: each a list of fields that lie
// behind one another, as <linux/fuse.h> has them. Little-endian, as every
// machine is that this runs on.
//
// The kernel's name of a request, `unique`, has its highest bit set if the
// request was sent before, to an earlier process: such a name is negative here.
//
// 64-bit numbers are JavaScript numbers: those beyond 2^53 lose their low bits,
// and nothing of ours is as large, so they are refused where they are used.
// Lock owners and the ends of locks need every bit: u64big.

import { KernelError } from '../../errno.js'

type FieldType = 'u16' | 'u32' | 's32' | 'u64' | 's64' | 'u64big' | 'unique'

const sizes: Record<FieldType, number> = { u16: 2, u32: 4, s32: 4, u64: 8, s64: 8, u64big: 8, unique: 8 }

type Fields = Readonly<Record<string, FieldType>>
type ValueOf<Type extends FieldType> = Type extends 'u64big' ? bigint : number
export type StructOf<F extends Fields> = { [Name in keyof F]: ValueOf<F[Name]> }

const high = 2 ** 32
const highest = 2 ** 31

export class Struct<F extends Fields> {
  readonly size: number
  readonly #fields: readonly { readonly name: keyof F & string; readonly type: FieldType; readonly at: number }[]

  constructor(fields: F) {
    let at = 0
    this.#fields = Object.entries(fields).map(([name, type]) => {
      const field = { name, type, at }
      at += sizes[type]
      return field
    })
    this.size = at
  }

  /** @throws KernelError EINVAL: there are not so many bytes */
  read(bytes: Buffer, offset = 0): StructOf<F> {
    if (bytes.length < offset + this.size) {
      throw new KernelError('EINVAL', `a request of ${bytes.length} bytes, where ${offset + this.size} are needed`)
    }
    const struct: Record<string, number | bigint> = {}
    for (const { name, type, at } of this.#fields) struct[name] = readField(bytes, type, offset + at)
    return struct as StructOf<F>
  }

  /** What is absent is 0. */
  write(values: Partial<StructOf<F>>, bytes: Buffer, offset = 0): void {
    for (const { name, type, at } of this.#fields) writeField(bytes, type, offset + at, values[name] ?? 0)
  }

  /** A buffer of its own. */
  encode(values: Partial<StructOf<F>>): Buffer {
    const bytes = Buffer.allocUnsafe(this.size)
    this.write(values, bytes)
    return bytes
  }
}

function readField(bytes: Buffer, type: FieldType, at: number): number | bigint {
  switch (type) {
    case 'u16':
      return bytes.readUInt16LE(at)
    case 'u32':
      return bytes.readUInt32LE(at)
    case 's32':
      return bytes.readInt32LE(at)
    case 'u64':
      return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * high
    case 's64':
      return bytes.readUInt32LE(at) + bytes.readInt32LE(at + 4) * high
    case 'u64big':
      return bytes.readBigUInt64LE(at)
    case 'unique':
      return readUnique(bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4))
  }
}

function writeField(bytes: Buffer, type: FieldType, at: number, value: number | bigint): void {
  switch (type) {
    case 'u16':
      bytes.writeUInt16LE(value as number, at)
      return
    case 'u32':
      bytes.writeUInt32LE(value as number, at)
      return
    case 's32':
      bytes.writeInt32LE(value as number, at)
      return
    case 'u64':
    case 's64': {
      const number = value as number
      bytes.writeUInt32LE(number - Math.floor(number / high) * high, at)
      bytes.writeInt32LE(Math.floor(number / high) | 0, at + 4)
      return
    }
    case 'u64big':
      bytes.writeBigUInt64LE(BigInt(value), at)
      return
    case 'unique': {
      const number = Math.abs(value as number)
      bytes.writeUInt32LE(number % high, at)
      bytes.writeUInt32LE(Math.floor(number / high) + (value < 0 ? highest : 0), at + 4)
    }
  }
}

function readUnique(low: number, upper: number): number {
  return upper < highest ? low + upper * high : -(low + (upper - highest) * high)
}

const attributes = {
  ino: 'u64',
  size: 'u64',
  blocks: 'u64',
  atime: 's64',
  mtime: 's64',
  ctime: 's64',
  atimensec: 'u32',
  mtimensec: 'u32',
  ctimensec: 'u32',
  mode: 'u32',
  nlink: 'u32',
  uid: 'u32',
  gid: 'u32',
  rdev: 'u32',
  blksize: 'u32',
  flags: 'u32',
} as const

const lock = { start: 'u64big', end: 'u64big', type: 'u32', pid: 'u32' } as const

export const inHeader = new Struct({
  len: 'u32',
  opcode: 'u32',
  unique: 'unique',
  nodeid: 'u64',
  uid: 'u32',
  gid: 'u32',
  pid: 'u32',
  totalExtlen: 'u16',
  padding: 'u16',
})
export const outHeader = new Struct({ len: 'u32', error: 's32', unique: 'unique' })

export const initIn = new Struct({ major: 'u32', minor: 'u32', maxReadahead: 'u32', flags: 'u32' })
/** Behind initIn if INIT_EXT is among the flags. */
export const initInMore = new Struct({ flags2: 'u32' })
export const initOut = new Struct({
  major: 'u32',
  minor: 'u32',
  maxReadahead: 'u32',
  flags: 'u32',
  maxBackground: 'u16',
  congestionThreshold: 'u16',
  maxWrite: 'u32',
  timeGran: 'u32',
  maxPages: 'u16',
  mapAlignment: 'u16',
  flags2: 'u32',
  unused0: 'u32',
  unused1: 'u64',
  unused2: 'u64',
  unused3: 'u64',
})

export const entryOut = new Struct({
  nodeid: 'u64',
  generation: 'u64',
  entryValid: 'u64',
  attrValid: 'u64',
  entryValidNsec: 'u32',
  attrValidNsec: 'u32',
  ...attributes,
})
export const attrOut = new Struct({ attrValid: 'u64', attrValidNsec: 'u32', dummy: 'u32', ...attributes })
export const setattrIn = new Struct({
  valid: 'u32',
  padding: 'u32',
  fh: 'u64',
  size: 'u64',
  lockOwner: 'u64big',
  atime: 's64',
  mtime: 's64',
  ctime: 's64',
  atimensec: 'u32',
  mtimensec: 'u32',
  ctimensec: 'u32',
  mode: 'u32',
  unused4: 'u32',
  uid: 'u32',
  gid: 'u32',
  unused5: 'u32',
})

export const forgetIn = new Struct({ nlookup: 'u64' })
export const forgetOne = new Struct({ nodeid: 'u64', nlookup: 'u64' })
export const batchForgetIn = new Struct({ count: 'u32', dummy: 'u32' })

export const mknodIn = new Struct({ mode: 'u32', rdev: 'u32', umask: 'u32', padding: 'u32' })
export const mkdirIn = new Struct({ mode: 'u32', umask: 'u32' })
export const renameIn = new Struct({ newdir: 'u64' })
export const rename2In = new Struct({ newdir: 'u64', flags: 'u32', padding: 'u32' })
export const linkIn = new Struct({ oldnodeid: 'u64' })

export const openIn = new Struct({ flags: 'u32', openFlags: 'u32' })
export const createIn = new Struct({ flags: 'u32', mode: 'u32', umask: 'u32', openFlags: 'u32' })
export const openOut = new Struct({ fh: 'u64', openFlags: 'u32', padding: 'u32' })
export const releaseIn = new Struct({ fh: 'u64', flags: 'u32', releaseFlags: 'u32', lockOwner: 'u64big' })
export const flushIn = new Struct({ fh: 'u64', unused: 'u32', padding: 'u32', lockOwner: 'u64big' })
export const fsyncIn = new Struct({ fh: 'u64', fsyncFlags: 'u32', padding: 'u32' })

export const readIn = new Struct({ fh: 'u64', offset: 'u64', size: 'u32', readFlags: 'u32' })
export const writeIn = new Struct({
  fh: 'u64',
  offset: 'u64',
  size: 'u32',
  writeFlags: 'u32',
  lockOwner: 'u64big',
  flags: 'u32',
  padding: 'u32',
})
export const writeOut = new Struct({ size: 'u32', padding: 'u32' })
export const fallocateIn = new Struct({ fh: 'u64', offset: 'u64', length: 'u64', mode: 'u32', padding: 'u32' })
export const lseekIn = new Struct({ fh: 'u64', offset: 's64', whence: 'u32', padding: 'u32' })
export const lseekOut = new Struct({ offset: 'u64' })

export const statfsOut = new Struct({
  blocks: 'u64',
  bfree: 'u64',
  bavail: 'u64',
  files: 'u64',
  ffree: 'u64',
  bsize: 'u32',
  namelen: 'u32',
  frsize: 'u32',
  padding: 'u32',
  spare0: 'u64',
  spare1: 'u64',
  spare2: 'u64',
})

export const setxattrIn = new Struct({ size: 'u32', flags: 'u32' })
export const getxattrIn = new Struct({ size: 'u32', padding: 'u32' })
export const getxattrOut = new Struct({ size: 'u32', padding: 'u32' })

export const lkIn = new Struct({ fh: 'u64', owner: 'u64big', ...lock, lkFlags: 'u32', padding: 'u32' })
export const lkOut = new Struct(lock)

export const direntHead = new Struct({ ino: 'u64', off: 'u64', namelen: 'u32', type: 'u32' })
export const interruptIn = new Struct({ unique: 'unique' })

export const invalInodeOut = new Struct({ ino: 'u64', off: 's64', len: 's64' })
export const invalEntryOut = new Struct({ parent: 'u64', namelen: 'u32', flags: 'u32' })
