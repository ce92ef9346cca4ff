import t from 'tap'
import { checkStart } from '../../../src/master/ops/start.js'
import { StateNamespace } from '../../../src/master/state-namespace.js'
import { listedFilesMax, listScanMax } from '../../../src/master/trash/limits.js'
import { listTrash, purgeTrash, restoreTrashed } from '../../../src/master/trash/service.js'
import type { TrashPurgeRequest } from '../../../src/wire/gen/admin.js'
import { Namespace, root } from '../harness/namespace.js'
import { trashOf, writeFile } from '../harness/trash.js'

async function open() {
  const fs = await Namespace.open({ trash: true })
  const namespace = new StateNamespace(fs.state, fs.journal, () => undefined)
  const { state, executor, clock } = fs
  const options = { state, executor, clock, namespace }
  const list = (path = '') => listTrash(state, { path: Buffer.from(path), after: undefined })
  const deleted = async (parent: number, name: string) => {
    const ino = await writeFile(fs, parent, name)
    await fs.unlink(parent, name, 7)
    return ino
  }
  return {
    ...{ fs, deleted, list, paths: (path?: string) => list(path).files.map(file => String(file.path)) },
    restore: async (ino: number, to = '', parents = false) =>
      String((await restoreTrashed(options, { ino, to: Buffer.from(to), parents })).path),
    purge: (request: Partial<TrashPurgeRequest>) =>
      purgeTrash(options, { inos: [], all: false, olderThanMs: 0, lost: false, ...request }),
  }
}

t.test('files are listed in the order of deletion, all of them or those below a path', async t => {
  const { fs, deleted, list, paths } = await open()
  const { ino: directory } = await fs.makeDirectory(root, 'd')
  const first = await deleted(directory, 'x')
  await fs.tick()
  await deleted(root, 'dx')
  await deleted(root, 'd-x')
  t.same(paths(), ['/d/x', '/dx', '/d-x'])
  t.same(paths('/'), ['/d/x', '/dx', '/d-x'])
  t.same(paths('/d/'), ['/d/x'])
  t.same(paths('d/x'), ['/d/x'])
  t.same(paths('/e'), [])
  const [file] = list().files
  t.match(file, { ino: first, uid: 10, gid: 20, mode: 0o644, size: 100, allocatedBytes: 100, deletedBy: 7 })
  t.match(file, { trashPath: Buffer.from(`10/${first}-x`), deletedAt: { seconds: 1_700_000_000 } })
})

t.test('a list comes in pages', async t => {
  const { fs, deleted } = await open()
  for (let i = 0; i < listedFilesMax + 2; i++) await deleted(root, `f${i}`)
  const request = { path: Buffer.alloc(0), after: undefined }
  const first = listTrash(fs.state, request)
  t.equal(first.files.length, listedFilesMax)
  const second = listTrash(fs.state, { ...request, after: first.next })
  t.same([second.files.length, second.next], [2, undefined])
  t.ok(listScanMax >= listedFilesMax)
})

t.test('a file goes back to where it was', async t => {
  const { fs, deleted, restore } = await open()
  const { ino: directory } = await fs.makeDirectory(root, 'd')
  const ino = await deleted(directory, 'f')
  t.equal(await restore(ino), '/d/f')
  t.equal(fs.state.dentries.get(directory, Buffer.from('f')), ino)
  t.same(trashOf(fs, 10), [])
  await t.rejects(restore(ino), { code: 'NOT_FOUND', message: `${ino} is not in the trash` })
})

t.test('what is there is not replaced, and directories that are missing are not made', async t => {
  const { fs, deleted, restore } = await open()
  const { ino: directory } = await fs.makeDirectory(root, 'd')
  const ino = await deleted(directory, 'f')
  const there = await fs.make(directory, 'f')
  await t.rejects(restore(ino), { code: 'ALREADY_EXISTS', message: /^\/d\/f exists: .*--to/ })
  t.equal(fs.state.dentries.get(directory, Buffer.from('f')), there.ino)
  await fs.unlink(directory, 'f')
  await fs.removeDirectory(root, 'd')
  await t.rejects(restore(ino), { code: 'NOT_FOUND', message: /no directory \/d: .*--to/ })
  await t.rejects(restore(ino, '/e/f'), { code: 'NOT_FOUND' })
  t.equal(await restore(ino, '/g'), '/g', 'under a new name')
  await fs.unlink(root, 'g')
  await fs.makeDirectory(root, 'e')
  t.equal(await restore(ino, 'e/'), '/e/g', 'into a directory')
  await fs.rename([root, 'e'], [root, 'h'])
  await fs.unlink(fs.state.dentries.get(root, Buffer.from('h')), 'g')
  t.equal(await restore(ino, '/'), '/g', 'into the root')
})

t.test('files are purged by number, or all of a certain age', async t => {
  const { fs, deleted, purge, paths } = await open()
  const first = await deleted(root, 'a')
  await deleted(root, 'b')
  await fs.clock.advance(60_000)
  await deleted(root, 'c')
  await t.rejects(purge({ inos: [first, 999] }), { code: 'NOT_FOUND' })
  t.same(await purge({ inos: [first] }), { files: 1, bytes: 100, more: false })
  t.same(await purge({ all: true, olderThanMs: 60_000 }), { files: 1, bytes: 100, more: false })
  t.same(paths(), ['/c'])
  t.same(await purge({ all: true }), { files: 1, bytes: 100, more: false })
  t.same(await purge({ all: true }), { files: 0, bytes: 0, more: false })
})

t.test('what the records are lost of is given up at an operator’s word', async t => {
  const { fs, purge } = await open()
  await fs.submit((state, context) => checkStart(state, { uid: 0, gid: 0 }, true, context))
  t.equal(fs.state.meta.current.lostHandles.length, 1)
  t.same(await purge({ lost: true }), { files: 0, bytes: 0, more: false })
  t.equal(fs.state.meta.current.lostHandles.length, 0)
})

t.test('directories that are missing are made, if that is asked for', async t => {
  const { fs, deleted, restore } = await open()
  const { ino: a } = await fs.makeDirectory(root, 'a')
  const { ino: b } = await fs.makeDirectory(a, 'b')
  const [one, two] = [await deleted(b, 'one'), await deleted(b, 'two')]
  await fs.removeDirectory(a, 'b')
  await fs.removeDirectory(root, 'a')
  t.equal(await restore(one, '', true), '/a/b/one')
  t.equal(await restore(two, '', true), '/a/b/two')
  const made = fs.state.dentries.get(root, Buffer.from('a'))
  t.match(fs.stat(made), { mode: 0o700, uid: 10, gid: 20 })
  await fs.unlink(fs.state.dentries.get(made, Buffer.from('b')), 'one')
  await fs.make(root, 'file')
  await t.rejects(restore(one, '/file/x/y', true), { code: 'NOT_A_DIRECTORY' })
})
