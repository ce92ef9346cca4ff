// INIT: what the kernel offers, and what of it we take. A function of the
// kernel's words and of how the mount is to be, feature by feature.

import { LeasefsError } from '../../../base/errors.js'
import { congestionThreshold, maxBackground, pageSize, requestBytesMax } from './limits.js'
import { initFlags, majorVersion, minorVersion, minorVersionMin } from './protocol.js'
import { initIn, initInMore, initOut } from './structs.js'

type Feature = keyof typeof initFlags

export interface Agreed {
  /** The answer to INIT. */
  readonly answer: Buffer
  /** Minor version of the protocol that both speak. */
  readonly minor: number
  readonly features: ReadonlySet<Feature>
}

/** Taken wherever the kernel has them. */
const wanted: readonly Feature[] = [
  'ASYNC_READ',
  'POSIX_LOCKS', // Held at the master, not in this kernel.
  'FLOCK_LOCKS',
  'ATOMIC_O_TRUNC',
  'BIG_WRITES',
  'AUTO_INVAL_DATA', // A changed size or time drops pages: the second net below the notifications.
  'DO_READDIRPLUS',
  'READDIRPLUS_AUTO',
  'ASYNC_DIO',
  'PARALLEL_DIROPS',
  'MAX_PAGES',
  'HANDLE_KILLPRIV_V2', // We take set-id bits away, and are not asked for capabilities before each write.
  'INIT_EXT',
  'DIRECT_IO_ALLOW_MMAP',
  'HAS_RESEND', // What was under way when this process ends is sent again to the next.
]

/** @throws LeasefsError NOT_SUPPORTED: the kernel is too old */
export function negotiate(init: Buffer, { exclusive }: { readonly exclusive: boolean }): Agreed {
  const { major, minor, maxReadahead, flags } = initIn.read(init)
  if (major !== majorVersion || minor < minorVersionMin) {
    const needed = `${majorVersion}.${minorVersionMin}`
    throw new LeasefsError(
      'NOT_SUPPORTED',
      `this kernel speaks FUSE ${major}.${minor}, and ${needed} (Linux 5.4) is needed: mount with --binding fuse-native`,
    )
  }
  const extended = (flags & initFlags.INIT_EXT) !== 0 && init.length >= initIn.size + initInMore.size
  const flags2 = extended ? initInMore.read(init, initIn.size).flags2 : 0
  const offered = (feature: Feature) => hasFlag(flags, flags2, initFlags[feature])
  const chosen = exclusive ? [...wanted, 'WRITEBACK_CACHE' as const] : wanted
  const features = new Set(chosen.filter(offered))

  const bits = [...features].map(feature => initFlags[feature])
  const answer = initOut.encode({
    major: majorVersion,
    minor: minorVersion,
    maxReadahead,
    flags: sum(bits.filter(bit => bit < 2 ** 32)),
    flags2: sum(bits.filter(bit => bit >= 2 ** 32)) / 2 ** 32,
    maxBackground,
    congestionThreshold,
    maxWrite: requestBytesMax,
    timeGran: 1,
    maxPages: requestBytesMax / pageSize,
  })
  return { answer, minor: Math.min(minor, minorVersion), features }
}

function hasFlag(flags: number, flags2: number, bit: number): boolean {
  return bit < 2 ** 32 ? (flags & bit) !== 0 : (flags2 & (bit / 2 ** 32)) !== 0
}

function sum(bits: readonly number[]): number {
  return bits.reduce((all, bit) => all + bit, 0)
}
