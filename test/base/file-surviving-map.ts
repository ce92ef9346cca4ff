import { closeSync, fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FileSurvivingMap, segmentBytes } from '../../src/base/file-surviving-map.js'
import { silentLog } from '../../src/base/log.js'
import { KiB, MiB } from '../../src/base/units.js'
import { survivingMapSuite } from '../suites/surviving-map.js'

function openFile(t: Test): number {
  const path = join(t.testdir(), 'file')
  const fd = openSync(path, 'w+')
  rmSync(path)
  t.teardown(() => closeSync(fd))
  return fd
}

survivingMapSuite(t, t => {
  const fd = openFile(t)
  let map = new FileSurvivingMap(fd, silentLog)
  return {
    map: () => map,
    next: () => {
      map = new FileSurvivingMap(fd, silentLog)
      return map
    },
  }
})

t.test('the file grows with what is live, and not with what was', async t => {
  const fd = openFile(t)
  const map = new FileSurvivingMap(fd, silentLog)
  map.put('kept', 'long ago', [Buffer.from('kept')])
  const bytes = Buffer.alloc(1 * MiB, 'x')
  for (let i = 0; i < 100; i++) map.put(`key-${i % 5}`, i, [bytes])
  t.ok(fstatSync(fd).size <= 8 * segmentBytes, String(fstatSync(fd).size))
  const { inherited } = new FileSurvivingMap(fd, silentLog)
  t.same(
    inherited.map(({ key, value }) => [key, value]).sort(),
    [['kept', 'long ago'], ...[95, 96, 97, 98, 99].map(i => [`key-${i % 5}`, i])].sort(),
  )
  t.ok(inherited.every(({ key, bytes: found }) => key === 'kept' || found.equals(bytes)))
})

t.test('what was live and is not gives its memory back', async t => {
  const fd = openFile(t)
  const map = new FileSurvivingMap(fd, silentLog)
  for (let i = 0; i < 60; i++) map.put(`key-${i}`, i, [Buffer.alloc(1 * MiB)])
  const most = fstatSync(fd).size
  map.remove(Array.from({ length: 60 }, (_, i) => `key-${i}`))
  for (let i = 0; i < 60; i++) map.put('one', i, [Buffer.alloc(1 * MiB)])
  t.ok(fstatSync(fd).size < most / 2, `${fstatSync(fd).size} of ${most}`)
})

t.test(
  'random changes, and a process that dies in the middle of each: all before it is there, and nothing of it',
  async t => {
    const fd = openFile(t)
    let map = new FileSurvivingMap(fd, silentLog)
    const model = new Map<string, number>()
    let seed = 1
    const random = (below: number) => {
      seed = (seed * 48271) % 2147483647
      return seed % below
    }
    for (let i = 0; i < 600; i++) {
      const key = `key-${random(30)}`
      const gone = `key-${random(30)}`
      if (gone !== key) model.delete(gone)
      model.set(key, i)
      map.put(key, i, [Buffer.alloc(random(100 * KiB), i)], gone === key ? [] : [gone])
      if (i % 50 !== 49) continue
      // The next record is cut off, and there are older ones behind it.
      const before = await snapshot(fd)
      map.put('torn', -1, [Buffer.alloc(5000, 0xff)])
      await tear(fd, before, 20 + random(4000))
      map = new FileSurvivingMap(fd, silentLog)
      t.same(new Map(map.inherited.map(({ key, value }) => [key, value])), model, `after ${i}`)
    }
  },
)

t.test('a file that means nothing is emptied, and serves', async t => {
  const fd = openFile(t)
  new FileSurvivingMap(fd, silentLog).put('a', 1)
  writeSync(fd, Buffer.from('nonsense'), 0, 8, 8 + 24)
  const map = new FileSurvivingMap(fd, silentLog)
  t.same(map.inherited, [])
  map.put('b', 2)
  t.match(new FileSurvivingMap(fd, silentLog).inherited, [{ key: 'b', value: 2 }])
})

t.test('a file that lacks a part is taken for empty', async t => {
  const fd = openFile(t)
  const map = new FileSurvivingMap(fd, silentLog)
  for (let i = 0; i < 10; i++) map.put(`key-${i}`, i, [Buffer.alloc(1 * MiB)])
  writeSync(fd, Buffer.alloc(8), 0, 8, segmentBytes)
  t.same(new FileSurvivingMap(fd, silentLog).inherited, [])
})

t.test('when the file has no room any more, the process goes on, and the next finds nothing', async t => {
  const fd = openFile(t)
  const map = new FileSurvivingMap(fd, silentLog, 2)
  for (let i = 0; !map.isBroken; i++) map.put(`key-${i}`, i, [Buffer.alloc(1 * MiB)])
  map.put('more', 1)
  map.remove(['more'])
  t.same(new FileSurvivingMap(fd, silentLog).inherited, [])
})

async function snapshot(fd: number): Promise<Buffer> {
  const bytes = Buffer.alloc(fstatSync(fd).size)
  readSync(fd, bytes, 0, bytes.length, 0)
  return bytes
}

/** Leaves of what was written since only the first bytes. */
async function tear(fd: number, before: Buffer, length: number): Promise<void> {
  const now = await snapshot(fd)
  let at = 0
  while (at < now.length && now[at] === (before[at] ?? 0)) at++
  const torn = Buffer.concat([before, Buffer.alloc(Math.max(0, now.length - before.length))])
  now.copy(torn, at, at, at + length)
  writeSync(fd, torn, 0, torn.length, 0)
}
