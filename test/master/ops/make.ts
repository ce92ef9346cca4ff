import t from 'tap'
import { nameLengthMax, symlinkTargetLengthMax } from '../../../src/constants.js'
import type { FileType } from '../../../src/wire/gen/common.js'
import { CHARACTER_DEVICE, DIRECTORY, FIFO, onEachStore, REGULAR, root, SYMLINK } from '../harness/namespace.js'

onEachStore(t, 'a new file has what was asked for, and the parent changes', async (t, fs) => {
  await fs.tick()
  const file = await fs.make(root, 'file', { mode: 0o100644 })
  const now = file.ctime
  t.match(file, { ino: 2, type: REGULAR, mode: 0o644, uid: 10, gid: 20, nlink: 1, size: 0, goal: 3, rdev: 0 })
  t.same([file.atime, file.mtime], [now, now])
  t.match(fs.stat(root), { mtime: now, ctime: now, nlink: 2 })
  t.same(fs.stat(file.ino), file)
  t.same(fs.names(root), ['file'])
})

onEachStore(t, 'inode numbers are not used again', async (t, fs) => {
  const first = await fs.make(root, 'a')
  await fs.unlink(root, 'a')
  const second = await fs.make(root, 'a')
  t.ok(second.ino > first.ino)
})

onEachStore(t, 'a directory counts its subdirectories and itself', async (t, fs) => {
  const directory = await fs.makeDirectory(root, 'd')
  t.match(directory, { type: DIRECTORY, nlink: 2 })
  t.equal(fs.stat(root).nlink, 3)
  await fs.makeDirectory(directory.ino, 'e')
  await fs.make(directory.ino, 'file')
  t.equal(fs.stat(directory.ino).nlink, 3)
  t.equal(fs.state.inodes.get(directory.ino).parent, root)
})

onEachStore(t, 'each type has what belongs to it', async (t, fs) => {
  const link = await fs.make(root, 'link', { type: SYMLINK, symlinkTarget: Buffer.from('target'), mode: 0 })
  t.match(link, { type: SYMLINK, mode: 0o777, size: 6 })
  t.match(await fs.make(root, 'fifo', { type: FIFO, rdev: 5 }), { type: FIFO, rdev: 0 })
  t.match(await fs.make(root, 'device', { type: CHARACTER_DEVICE, rdev: 5 }), { type: CHARACTER_DEVICE, rdev: 5 })
})

onEachStore(t, 'a setgid directory passes on its group, and directories in it the bit', async (t, fs) => {
  const parent = await fs.make(root, 'd', { type: DIRECTORY, mode: 0o2775, gid: 77 })
  t.match(await fs.make(parent.ino, 'file'), { gid: 77, mode: 0o644 })
  t.match(await fs.make(parent.ino, 'sub', { type: DIRECTORY, mode: 0o755 }), { gid: 77, mode: 0o2755 })
})

onEachStore(t, 'a regular file that exists is the answer unless exclusive was asked for', async (t, fs) => {
  const file = await fs.make(root, 'file')
  const index = fs.journal.lastIndex
  t.same(await fs.make(root, 'file', { exclusive: false, mode: 0o600 }), file)
  t.equal(fs.journal.lastIndex, index, 'and nothing is journaled')
  await t.rejects(fs.make(root, 'file'), { code: 'ALREADY_EXISTS' })

  await fs.make(root, 'file', { exclusive: false, open: true })
  t.ok(fs.state.opens.has(fs.session, file.ino), 'it may be opened by the way')
  await fs.make(root, 'file', { exclusive: false, open: true })
})

onEachStore(t, 'a new file may be opened in the same step', async (t, fs) => {
  const file = await fs.make(root, 'file', { open: true })
  t.ok(fs.state.opens.has(fs.session, file.ino))
})

onEachStore(t, 'what cannot be made is refused, and nothing changes', async (t, fs) => {
  const file = await fs.make(root, 'file')
  await fs.makeDirectory(root, 'd')
  const removed = await fs.makeDirectory(root, 'removed')
  await fs.open(removed.ino)
  await fs.removeDirectory(root, 'removed')
  const before = fs.dump()

  const target = (length: number) => ({ type: SYMLINK, symlinkTarget: Buffer.alloc(length, 'x') })
  const long = 'x'.repeat(nameLengthMax + 1)
  const cases: [parent: number, name: string, more: Parameters<typeof fs.make>[2], code: string][] = [
    [999, 'a', {}, 'NOT_FOUND'],
    [0, 'a', {}, 'NOT_FOUND'],
    [file.ino, 'a', {}, 'NOT_A_DIRECTORY'],
    [removed.ino, 'a', {}, 'NOT_FOUND'],
    [removed.ino, 'a', { type: DIRECTORY }, 'NOT_FOUND'],
    [root, 'd', { exclusive: false }, 'IS_A_DIRECTORY'],
    [root, 'file', { type: DIRECTORY }, 'ALREADY_EXISTS'],
    [root, 'file', { type: FIFO, exclusive: false }, 'ALREADY_EXISTS'],
    [root, '', {}, 'INVALID_ARGUMENT'],
    [root, '.', {}, 'INVALID_ARGUMENT'],
    [root, '..', {}, 'INVALID_ARGUMENT'],
    [root, 'a/b', {}, 'INVALID_ARGUMENT'],
    [root, 'a\0', {}, 'INVALID_ARGUMENT'],
    [root, long, {}, 'NAME_TOO_LONG'],
    [root, 'a', { type: 0 }, 'INVALID_ARGUMENT'],
    [root, 'a', { type: 99 as FileType }, 'INVALID_ARGUMENT'],
    [root, 'a', target(0), 'INVALID_ARGUMENT'],
    [root, 'a', target(symlinkTargetLengthMax + 1), 'NAME_TOO_LONG'],
    [root, 'a', { type: SYMLINK, symlinkTarget: Buffer.from('a\0b') }, 'INVALID_ARGUMENT'],
  ]
  for (const [parent, name, more, code] of cases) {
    await t.rejects(fs.make(parent, name, more), { code }, `${code} for ${name.slice(0, 8)} in ${parent}`)
  }
  t.same(fs.dump(), before)
  t.equal((await fs.make(root, long.slice(1))).nlink, 1, 'the longest name is right')
  t.equal((await fs.make(root, 'l', target(symlinkTargetLengthMax))).size, symlinkTargetLengthMax)
})
