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

onEachStore(t, 'only regular files are written, up to the largest size', async (t, fs) => {
  const file = await fs.make(root, 'a')
  const written = (ino: number, size: number) =>
    fs.change({ $case: 'written', value: { ino, size, mtime: undefined, usage: [] } })
  await t.rejects(written(root, 1), { code: 'IS_A_DIRECTORY' })
  await t.rejects(written(999, 1), { code: 'NOT_FOUND' })
  await t.rejects(written(file.ino, fileSizeMax + 1), { code: 'FILE_TOO_LARGE' })
  t.equal(attributesOf(await written(file.ino, fileSizeMax)).size, fileSizeMax)
})
