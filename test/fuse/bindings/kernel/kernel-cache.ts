import t from 'tap'
import { type Deferred, deferred } from '../../../../src/base/deferred.js'
import { SimulatedClock } from '../../../../src/base/simulated-clock.js'
import type { Ino } from '../../../../src/client/file-system.js'
import { InFlight } from '../../../../src/fuse/bindings/kernel/in-flight.js'
import { KernelCache } from '../../../../src/fuse/bindings/kernel/kernel-cache.js'
import { Known } from '../../../../src/fuse/bindings/kernel/known.js'
import { notificationsMax } from '../../../../src/fuse/bindings/kernel/limits.js'
import { notifyCodes } from '../../../../src/fuse/bindings/kernel/protocol.js'
import { invalEntryOut, invalInodeOut, outHeader } from '../../../../src/fuse/bindings/kernel/structs.js'
import { name, root } from '../../harness/memory-operations.js'
import { turn } from '../../harness/turn.js'

const file = 5 as Ino
const directory = 6 as Ino

/** A kernel that takes notifications: at once, or when it is told to. */
function cached({ slow = false } = {}) {
  const told: string[] = []
  const waiting: Deferred<void>[] = []
  const inFlight = new InFlight(new SimulatedClock())
  const device = {
    notify(message: Buffer) {
      told.push(read(message))
      const taken = deferred<void>()
      if (slow) waiting.push(taken)
      else taken.resolve()
      return taken.promise
    },
  }
  const known = new Known(() => {})
  return { told, waiting, inFlight, known, cache: new KernelCache(device, known, inFlight) }
}

function read(message: Buffer): string {
  const { len, error, unique } = outHeader.read(message)
  const body = message.subarray(outHeader.size)
  if (len !== message.length || unique !== 0) return 'malformed'
  if (error === notifyCodes.INVAL_INODE) {
    const { ino, off, len } = invalInodeOut.read(body)
    return `inode ${ino} from ${off}, ${len} bytes`
  }
  const { parent, namelen } = invalEntryOut.read(body)
  const text = body.subarray(invalEntryOut.size)
  return error === notifyCodes.INVAL_ENTRY && text[namelen] === 0 && text.length === namelen + 1
    ? `entry ${parent}/${text.subarray(0, namelen)}`
    : 'malformed'
}

t.test('what the kernel knows of an inode: its names, then attributes and pages', async t => {
  const { told, known, cache } = cached()
  known.told(directory)
  known.mayRemember(directory, name('a'))
  known.mayRemember(directory, name('bb'))
  await cache.invalidate([directory])
  t.same(told, ['entry 6/a', 'entry 6/bb', 'inode 6 from 0, 0 bytes'])
  await cache.invalidate([directory])
  t.same(told.slice(3), ['inode 6 from 0, 0 bytes'], 'the names are not remembered any more')
})

t.test('what it does not know it is not told of', async t => {
  const { told, cache } = cached()
  await cache.invalidate([file, directory])
  t.same(told, [])
  await cache.invalidate([])
})

t.test('everything', async t => {
  const { told, known, cache } = cached()
  known.told(file)
  known.told(directory)
  known.mayRemember(directory, name('a'))
  known.mayRemember(root, name('b'))
  await cache.invalidate('all')
  t.same(told.sort(), [
    'entry 1/b',
    'entry 6/a',
    'inode 1 from 0, 0 bytes',
    'inode 5 from 0, 0 bytes',
    'inode 6 from 0, 0 bytes',
  ])
})

t.test('it is waited for', async t => {
  const { waiting, known, cache } = cached({ slow: true })
  known.told(file)
  let done = false
  const invalidated = cache.invalidate([file]).then(() => {
    done = true
  })
  await turn()
  t.notOk(done)
  waiting[0]?.resolve()
  await invalidated
})

t.test('but not where this mount has requests under way', async t => {
  const { told, inFlight, known, cache } = cached({ slow: true })
  known.told(file)
  known.mayRemember(root, name('b'))
  inFlight.begin(2, file)
  inFlight.begin(4, root)
  await cache.invalidate([file, root])
  t.equal(told.length, 3, 'it is told all the same')
})

t.test('nor any longer when a request comes that may hold a lock it needs', async t => {
  const { told, inFlight, known, cache } = cached({ slow: true })
  known.mayRemember(root, name('b'))
  const invalidated = cache.invalidate([root])
  await turn()
  inFlight.begin(2, root)
  await invalidated
  t.equal(told.length, 2)
})

t.test('a few at a time', async t => {
  const { told, waiting, known, cache } = cached({ slow: true })
  for (let i = 0; i < 20; i++) known.mayRemember(directory, name(`${i}`))
  const invalidated = cache.invalidate([directory])
  for (let taken = 0; taken < 20; taken++) {
    t.equal(told.length, Math.min(20, taken + notificationsMax))
    waiting[taken]?.resolve()
    await turn()
  }
  await invalidated
})
