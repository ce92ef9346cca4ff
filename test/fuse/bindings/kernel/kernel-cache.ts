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
const asked = { operation: 'READ', pid: 7 }

/** A kernel that takes notifications: at once, or when it is told to; `old`: which has to be told each name. */
function cached({ slow = false, old = false } = {}) {
  const told: string[] = []
  const waiting: Deferred<void>[] = []
  const inFlight = new InFlight(new SimulatedClock())
  const device = {
    notify(message: Buffer) {
      const text = read(message)
      if (text === 'all names' && old) return Promise.resolve(false)
      told.push(text)
      const taken = deferred<void>()
      if (slow) waiting.push(taken)
      else taken.resolve()
      return taken.promise.then(() => true)
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
  for (const old of [false, true]) {
    const { told, known, cache } = cached({ old })
    known.told(directory)
    known.mayRemember(directory, name('a'))
    known.mayRemember(directory, name('bb'))
    await cache.invalidate([directory])
    const names = old ? ['entry 6/a', 'entry 6/bb'] : ['all names']
    t.same(told.sort(), [...names, 'attributes of inode 6', 'pages of inode 6'].sort())
    told.length = 0
    await cache.invalidate([directory])
    t.same(told.sort(), ['attributes of inode 6', 'pages of inode 6'], 'the names are not remembered any more')
  }
})

t.test('what is invalidated at once has all names taken back once', async t => {
  const { told, known, cache } = cached()
  known.mayRemember(directory, name('a'))
  known.mayRemember(root, name('b'))
  await cache.invalidate([directory, root])
  t.equal(told.filter(text => text === 'all names').length, 1)
})

t.test(
  'names of a directory that is being listed are told each, too: the kernel may take them in after that',
  async t => {
    const { told, known, cache } = cached()
    known.mayRemember(directory, name('a'))
    known.mayRemember(root, name('b'))
    known.listingTold(3, directory)
    const invalidated = cache.invalidate([directory, root])
    known.listingTaken(3)
    await invalidated
    t.same(told.filter(text => /names|entry/.test(text)).sort(), ['all names', 'entry 6/a'])
    known.mayRemember(directory, name('c'))
    await cache.invalidate([directory])
    t.notOk(told.includes('entry 6/c'), 'it is not listed any more')
  },
)

t.test('with all names gone none is kept in mind, but for those of a directory that is being listed', async t => {
  const { known, cache } = cached()
  known.mayRemember(root, name('a'))
  await cache.invalidate([root])
  known.mayRemember(root, name('b'))
  known.mayRemember(directory, name('c'))
  known.listingTold(3, directory)
  await cache.forgetNames(file, [name('d')])
  t.same(known.directories(), [directory])

  const old = cached({ old: true })
  for (const each of ['a', 'b']) {
    old.known.mayRemember(directory, name(each))
    await old.cache.forgetNames(file, [name('d')])
  }
  t.equal(old.known.nameCount, 2, 'a kernel that does not know how keeps them')
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

t.test('names that must be told one by one are not waited for where this mount has requests under way', async t => {
  const { told, waiting, inFlight, known, cache } = cached({ slow: true, old: true })
  known.mayRemember(root, name('b'))
  inFlight.begin(4, root, asked)
  const invalidated = cache.invalidate([root])
  await turn()
  waiting[0]?.resolve()
  await invalidated
  t.same(told, ['attributes of inode 1', 'entry 1/b'], 'they are told all the same')
})

t.test('all at once they are', async t => {
  const { told, waiting, inFlight, known, cache } = cached({ slow: true })
  known.mayRemember(root, name('b'))
  inFlight.begin(4, root, asked)
  let done = false
  const invalidated = cache.invalidate([root]).then(() => {
    done = true
  })
  await turn()
  t.same(told, ['attributes of inode 1', 'all names'])
  waiting[0]?.resolve()
  await turn()
  t.notOk(done)
  waiting[1]?.resolve()
  await invalidated
})

t.test('pages are not taken back while this mount has requests under way: the attributes are enough', async t => {
  const { told, inFlight, known, cache } = cached()
  known.told(file)
  const requests = [inFlight.begin(2, file, asked), inFlight.begin(4, file, asked)]
  await cache.invalidate([file])
  await cache.invalidate([file])
  t.same(told, ['attributes of inode 5', 'attributes of inode 5'])
  for (const request of requests) inFlight.end(request)
  t.same(told.slice(2), ['pages of inode 5'], 'when they have ended: once')
})

t.test('nor are they waited for any longer when a request comes that may hold a lock it needs', async t => {
  const { told, waiting, inFlight, known, cache } = cached({ slow: true, old: true })
  known.mayRemember(root, name('b'))
  const invalidated = cache.invalidate([root])
  await turn()
  t.same(told, ['pages of inode 1', 'attributes of inode 1'])
  waiting[1]?.resolve()
  await turn()
  t.equal(told[2], 'entry 1/b')
  inFlight.begin(2, root, asked)
  await invalidated
})

t.test('a few at a time', async t => {
  const { told, waiting, known, cache } = cached({ slow: true, old: true })
  for (let i = 0; i < 20; i++) known.mayRemember(directory, name(`${i}`))
  const invalidated = cache.invalidate([directory])
  await turn()
  for (let taken = 0; taken < 20; taken++) {
    t.equal(told.length, Math.min(20, taken + notificationsMax))
    waiting[taken]?.resolve()
    await turn()
  }
  await invalidated
})
