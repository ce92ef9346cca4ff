import t from 'tap'
import { fileSizeMax } from '../../../src/constants.js'
import type { Time } from '../../../src/wire/gen/common.js'
import { attributesOf, onEachStore, root } from '../harness/namespace.js'

onEachStore(t, 'a file grows to what was written, and never shrinks by it', async (t, fs) => {
  const file = await fs.make(root, 'a')
  const written = async (size: number, mtime?: Time) =>
    attributesOf(await fs.change({ $case: 'written', value: { ino: file.ino, size, mtime, usage: [] } }))
  await fs.tick()
  const grown = await written(100)
  t.same(grown, { ...file, size: 100, mtime: grown.ctime, ctime: grown.ctime })
  t.notSame(grown.mtime, file.mtime)
  await fs.tick()
  const inside = await written(50, { seconds: 7, nanos: 8 })
  t.match(inside, { size: 100, mtime: { seconds: 7, nanos: 8 } }, 'the writer’s time')
  t.notSame(inside.ctime, grown.ctime)
})

onEachStore(t, 'the change time is that of the write, unless something has changed since', async (t, fs) => {
  const file = await fs.make(root, 'a')
  const { seconds = 0 } = file.ctime ?? {}
  const written = async (mtime: Time) =>
    attributesOf(await fs.change({ $case: 'written', value: { ino: file.ino, size: 1, mtime, usage: [] } }))
  const later = { seconds: seconds + 1, nanos: 5 }
  await fs.tick()
  t.same((await written(later)).ctime, later, 'as the mount that wrote has shown it before it told')
  await fs.tick()
  const behind = await written({ seconds, nanos: 0 })
  t.notSame(behind.ctime, later, 'a clock that is behind does not hide a change')
})

onEachStore(t, 'only regular files are written, up to the largest size', async (t, fs) => {
  const file = await fs.make(root, 'a')
  const written = (ino: number, size: number) =>
    fs.change({ $case: 'written', value: { ino, size, mtime: undefined, usage: [] } })
  await t.rejects(written(root, 1), { code: 'IS_A_DIRECTORY' })
  await t.rejects(written(999, 1), { code: 'NOT_FOUND' })
  await t.rejects(written(file.ino, fileSizeMax + 1), { code: 'FILE_TOO_LARGE' })
  t.equal(attributesOf(await written(file.ino, fileSizeMax)).size, fileSizeMax)
})
