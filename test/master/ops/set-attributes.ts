import t from 'tap'
import { chunkSize, fileSizeMax } from '../../../src/constants.js'
import { checkAllocate } from '../../../src/master/ops/chunks.js'
import type { Ino } from '../../../src/wire/ids.js'
import { onEachStore, root, SYMLINK } from '../harness/namespace.js'

const early = { seconds: -5, nanos: 999_999_999 }
const late = { seconds: 5_000_000_000, nanos: 1 }

onEachStore(t, 'what is given changes, the rest stays, and ctime moves', async (t, fs) => {
  const file = await fs.make(root, 'a')
  await fs.tick()
  const changed = await fs.setAttributes(file.ino, { mode: 0o107755, uid: 1, gid: 2 })
  t.same(changed, { ...file, mode: 0o7755, uid: 1, gid: 2, ctime: changed.ctime })
  t.notSame(changed.ctime, file.ctime)
  const timed = await fs.setAttributes(file.ino, { atime: early, mtime: late })
  t.match(timed, { atime: early, mtime: late, mode: 0o7755 })
  const now = await fs.setAttributes(file.ino, { atimeNow: true, mtimeNow: true, mtime: early })
  t.same([now.atime, now.mtime], [now.ctime, now.ctime], 'the master’s clock')
})

onEachStore(t, 'nothing given is nothing changed', async (t, fs) => {
  const file = await fs.make(root, 'a')
  const { lastIndex } = fs.journal
  await fs.tick()
  t.same(await fs.setAttributes(file.ino, {}), file)
  t.equal(fs.journal.lastIndex, lastIndex)
})

onEachStore(t, 'a size is a change of the content', async (t, fs) => {
  const file = await fs.make(root, 'a')
  await fs.tick()
  const grown = await fs.setAttributes(file.ino, { size: fileSizeMax })
  t.match(grown, { size: fileSizeMax, mtime: grown.ctime })
  t.notSame(grown.mtime, file.mtime)
  t.match(await fs.setAttributes(file.ino, { size: 1, mtime: early }), { size: 1, mtime: early })
})

onEachStore(t, 'a smaller size drops the chunks wholly beyond it', async (t, fs) => {
  const { ino } = await fs.make(root, 'a')
  const chunks = [0, 1, 3, 4].map(index => ({ index, replicaCount: 3 }))
  await fs.submit(state => checkAllocate(state, ino as Ino, chunks))
  await fs.setAttributes(ino, { size: 5 * chunkSize })
  const indexes = () => fs.state.chunks.ofFile(ino, 0, 100).map(({ index }) => index)

  const cut = async (size: number) => {
    const times = {
      atime: undefined,
      mtime: undefined,
      atimeNow: false,
      mtimeNow: false,
      killPrivileges: false,
      usage: [],
    }
    const { freed } = await fs.change({ $case: 'setAttributes', value: { ino, size, ...times } })
    return [indexes(), freed]
  }
  t.same(await cut(4 * chunkSize + 1), [[0, 1, 3, 4], []], 'its last byte is in chunk 4')
  t.same(await cut(4 * chunkSize), [[0, 1, 3], [4]])
  t.same(await cut(4 * chunkSize + 1), [[0, 1, 3], []], 'growing brings nothing back')
  t.same(await cut(1), [[0], [2, 3]])
  t.same(await cut(0), [[], [1]])
  t.equal(fs.state.meta.current.chunkCount, 0)
})

onEachStore(t, 'a program that changes hands loses its set-id bits', async (t, fs) => {
  const file = await fs.make(root, 'a', { mode: 0o6755 })
  t.equal((await fs.setAttributes(file.ino, { uid: 5 })).mode, 0o755)
  await fs.setAttributes(file.ino, { mode: 0o6745 })
  t.equal((await fs.setAttributes(file.ino, { gid: 5 })).mode, 0o2745, 'without group execution the bit means locking')
  t.equal((await fs.setAttributes(file.ino, { gid: 6, mode: 0o6755 })).mode, 0o6755, 'unless a mode is given')
  const d = await fs.makeDirectory(root, 'd')
  await fs.setAttributes(d.ino, { mode: 0o2755 })
  t.equal((await fs.setAttributes(d.ino, { gid: 5 })).mode, 0o2755, 'a directory keeps it')
})

onEachStore(t, 'who is not trusted takes the set-id bits away, of files', async (t, fs) => {
  const file = await fs.make(root, 'a', { mode: 0o6755 })
  await fs.tick()
  const killed = await fs.setAttributes(file.ino, { killPrivileges: true })
  t.same(killed, { ...file, mode: 0o755, ctime: killed.ctime })
  t.notSame(killed.ctime, file.ctime)
  const { lastIndex } = fs.journal
  await fs.setAttributes(file.ino, { killPrivileges: true })
  t.equal(fs.journal.lastIndex, lastIndex, 'a second time there is nothing to take')

  await fs.setAttributes(file.ino, { mode: 0o6745 })
  t.match(await fs.setAttributes(file.ino, { killPrivileges: true, size: 7 }), { mode: 0o2745, size: 7 })
  const d = await fs.makeDirectory(root, 'd')
  await fs.setAttributes(d.ino, { mode: 0o2775 })
  t.equal((await fs.setAttributes(d.ino, { killPrivileges: true })).mode, 0o2775)
})

onEachStore(t, 'the same size is a change too', async (t, fs) => {
  const file = await fs.make(root, 'a')
  await fs.tick()
  const same = await fs.setAttributes(file.ino, { size: 0 })
  t.same([same.mtime, same.atime], [same.ctime, file.atime])
  t.notSame(same.mtime, file.mtime)
})

onEachStore(t, 'what makes no sense is refused', async (t, fs) => {
  const file = await fs.make(root, 'a')
  const link = await fs.make(root, 'l', { type: SYMLINK, symlinkTarget: Buffer.from('a') })
  const before = fs.dump()
  const cases: [ino: number, changes: Parameters<typeof fs.setAttributes>[1], code: string][] = [
    [999, { mode: 0 }, 'NOT_FOUND'],
    [root, { size: 0 }, 'IS_A_DIRECTORY'],
    [link.ino, { size: 0 }, 'INVALID_ARGUMENT'],
    [file.ino, { size: fileSizeMax + 1 }, 'FILE_TOO_LARGE'],
    [file.ino, { mtime: { seconds: 0, nanos: 1e9 } }, 'INVALID_ARGUMENT'],
  ]
  for (const [ino, changes, code] of cases) await t.rejects(fs.setAttributes(ino, changes), { code })
  t.same(fs.dump(), before)
})
