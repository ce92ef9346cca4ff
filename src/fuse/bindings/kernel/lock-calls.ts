// fcntl(2) and flock(2) locks. The kernel has them inclusive at both ends.

import type { Lock } from '../../../client/file-system.js'
import { KernelError } from '../../errno.js'
import type { Context } from './context.js'
import { lockEndMax, lockIsFlock, lockTypes } from './protocol.js'
import { type Call, done, type Request, reply } from './request.js'
import { lkIn, lkOut } from './structs.js'

export function lockCalls({ operations }: Context) {
  const { locks } = operations

  async function set({ ino, body, signal }: Request, wait: boolean) {
    const { type, ...range } = lockOf(body)
    if (type === 'unlocked') await locks.unlock(ino, range)
    else await locks.set(ino, { ...range, type }, { wait, ...(wait && { signal: signal() }) })
    return done
  }

  return {
    GETLK: async ({ ino, body }) => {
      const { type, ...range } = lockOf(body)
      if (type === 'unlocked') throw new KernelError('EINVAL', 'F_GETLK of no lock')
      const found = await locks.find(ino, { ...range, type })
      return reply(found ? encodeLock(found) : lkOut.encode({ type: lockTypes.unlocked }))
    },
    SETLK: request => set(request, false),
    SETLKW: request => set(request, true),
  } satisfies Record<string, Call>
}

function lockOf(body: Buffer): Omit<Lock, 'type'> & { readonly type: Lock['type'] | 'unlocked' } {
  const { owner, start, end, type, pid, lkFlags } = lkIn.read(body)
  const name = (['shared', 'exclusive', 'unlocked'] as const)[type]
  if (!name || end < start) throw new KernelError('EINVAL', `a lock of type ${type} from ${start} to ${end}`)
  return {
    kind: (lkFlags & lockIsFlock) !== 0 ? 'flock' : 'posix',
    type: name,
    start: floor(start),
    end: end >= lockEndMax ? Infinity : ceil(end + 1n),
    owner,
    pid,
  }
}

/** Not above the number: beyond 2^53 a lock covers a little more than was asked for. */
function floor(number: bigint): number {
  const near = Number(number)
  return BigInt(near) <= number ? near : near - ulp(near)
}

/** Not below the number. */
function ceil(number: bigint): number {
  const near = Number(number)
  return BigInt(near) >= number ? near : near + ulp(near)
}

/** The distance to the next number that there is. */
function ulp(number: number): number {
  return 2 ** (Math.floor(Math.log2(number)) - 52)
}

function encodeLock({ type, start, end, pid }: Lock): Buffer {
  // One that ends just below the last byte there can be was taken up to that byte.
  const last = end === Infinity ? lockEndMax : BigInt(end) - 1n
  return lkOut.encode({
    start: BigInt(start),
    end: last < lockEndMax ? last : lockEndMax,
    type: lockTypes[type],
    pid,
  })
}
