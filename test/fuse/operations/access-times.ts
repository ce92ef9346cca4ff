import t from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { SimulatedClock } from '../../../src/base/simulated-clock.js'
import type { Timestamp } from '../../../src/client/file-system.js'
import { AccessTimes, type AtimePolicy } from '../../../src/fuse/operations/access-times.js'
import { MemoryFileSystem } from '../harness/memory-file-system.js'
import { memoryOperations, name, root } from '../harness/memory-operations.js'

const day = 24 * 60 * 60
const at = (seconds: number, nanos = 0): Timestamp => ({ seconds, nanos })

function make(policy: AtimePolicy) {
  const clock = new SimulatedClock()
  const now = Number(clock.wallNs() / 1_000_000_000n)
  return { now, times: new AccessTimes(new MemoryFileSystem(clock), clock, policy, silentLog) }
}

t.test('relatime: due after a change, or after a day', async t => {
  const { times, now } = make('relatime')
  const cases: [atime: Timestamp, mtime: Timestamp, ctime: Timestamp, isDue: boolean][] = [
    [at(now - 5, 2), at(now - 5, 1), at(now - 5, 1), false],
    [at(now - 5, 1), at(now - 5, 1), at(now - 9), true],
    [at(now - 5, 1), at(now - 9), at(now - 5, 1), true],
    [at(now - 5), at(now - 4), at(now - 9), true],
    [at(now - 5), at(now - 9), at(now - 4), true],
    [at(now - day), at(0), at(0), true],
    [at(now - day + 1), at(0), at(0), false],
    [at(now + day), at(0), at(0), false],
  ]
  for (const [atime, mtime, ctime, isDue] of cases) t.equal(times.isDue({ atime, mtime, ctime }), isDue)
})

t.test('strictatime: always; noatime: never', async t => {
  const { now, times } = make('strictatime')
  const read = { atime: at(now), mtime: at(0), ctime: at(0) }
  t.ok(times.isDue(read))
  t.ok(times.areKept)
  const never = make('noatime').times
  t.notOk(never.isDue({ ...read, atime: at(0) }))
  t.notOk(never.areKept)
})

t.test('reading a file, a directory or a symlink is noted, once until the next change', async t => {
  const { operations, fileSystem, clock } = memoryOperations()
  const { names, attributes, directories } = operations
  const link = await names.makeSymlink(root, name('l'), name('t'), { uid: 1, gid: 1 })
  const noted: number[] = []
  const accessed = fileSystem.accessed.bind(fileSystem)
  fileSystem.accessed = ino => {
    noted.push(ino)
    accessed(ino)
  }
  for (let count = 0; count < 2; count++) {
    await clock.advance(1000)
    await names.readSymlink(link.ino)
    await directories.list(root)
  }
  t.same(noted, [link.ino, root])
  t.ok((await attributes.get(link.ino)).atime.seconds > link.atime.seconds)
  await clock.advance(1000)
  await attributes.set(link.ino, { uid: 5 })
  await clock.advance(1000)
  await names.readSymlink(link.ino)
  t.same(noted, [link.ino, root, link.ino])
})

t.test('an inode that has gone has no access time', async t => {
  const { times } = make('strictatime')
  t.doesNotThrow(() => times.read(99 as typeof root))
  await new Promise(resolve => setImmediate(resolve))
})
