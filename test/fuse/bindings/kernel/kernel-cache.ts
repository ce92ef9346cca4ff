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
  if (error === notifyCodes.INC_EPOCH) return body.length === 0 ? 'all names' : 'malformed'
  if (error === notifyCodes.INVAL_INODE) {
    const { ino, off, len } = invalInodeOut.read(body)
    return len !== 0 ? 'malformed' : `${off === -1 ? 'attributes' : 'pages'} of inode ${ino}`
  }
  const { parent, namelen } = invalEntryOut.read(body)
  const text = body.subarray(invalEntryOut.size)
  return error === notifyCodes.INVAL_ENTRY && text[namelen] === 0 && text.length === namelen + 1
    ? `entry ${parent}/${text.subarray(0, namelen)}`
    : 'malformed'
}

t.test('what the kernel knows of an inode: its attributes, its names, and pages', async t => {
  const { told, known, cache } = cached()
  known.told(directory)
  known.mayRemember(directory, name('a'))
  known.mayRemember(directory, name('bb'))
  await cache.invalidate([directory])
  t.same(told, ['entry 6/a', 'entry 6/bb', 'pages of inode 6', 'attributes of inode 6'])
  await cache.invalidate([directory])
  t.same(told.slice(4), ['pages of inode 6', 'attributes of inode 6'], 'the names are not remembered any more')
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
    'all names',
    'attributes of inode 1',
    'attributes of inode 5',
    'attributes of inode 6',
    'entry 1/b',
    'entry 6/a',
    'pages of inode 1',
    'pages of inode 5',
    'pages of inode 6',
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
  await turn()
  t.notOk(done, 'for both')
  waiting[1]?.resolve()
  await invalidated
})

t.test('where this mount has requests under way, all names are taken back instead of those', async t => {
  const { told, waiting, inFlight, known, cache } = cached({ slow: true })
  known.mayRemember(root, name('b'))
  inFlight.begin(4, root)
  const invalidated = cache.invalidate([root])
  await turn()
  t.same(told, ['entry 1/b', 'attributes of inode 1', 'all names'], 'they are told all the same')
  waiting[1]?.resolve()
  waiting[2]?.resolve()
  await invalidated
})

t.test('but not if there are none', async t => {
  const { told, inFlight, known, cache } = cached()
  known.told(file)
  inFlight.begin(4, file)
  await cache.invalidate([file])
  t.same(told, ['attributes of inode 5'])
})

t.test('pages are not taken back while this mount has requests under way: the attributes are enough', async t => {
  const { told, inFlight, known, cache } = cached()
  known.told(file)
  const requests = [inFlight.begin(2, file), inFlight.begin(4, file)]
  await cache.invalidate([file])
  await cache.invalidate([file])
  t.same(told, ['attributes of inode 5', 'attributes of inode 5'])
  for (const request of requests) inFlight.end(request)
  t.same(told.slice(2), ['pages of inode 5'], 'when they have ended: once')
})

t.test('nor are names waited for any longer when a request comes that may hold a lock it needs', async t => {
  const { told, waiting, inFlight, known, cache } = cached({ slow: true })
  known.mayRemember(root, name('b'))
  const invalidated = cache.invalidate([root])
  t.same(told, ['entry 1/b', 'pages of inode 1', 'attributes of inode 1'])
  waiting[2]?.resolve()
  inFlight.begin(2, root)
  await turn()
  t.equal(told[3], 'all names')
  waiting[3]?.resolve()
  await invalidated
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
