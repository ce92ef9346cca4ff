import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { MemoryJournal } from '../../src/master/journal/memory-journal.js'
import { StateNamespace } from '../../src/master/state-namespace.js'
import type { Ino } from '../../src/wire/ids.js'
import { Namespace, root } from './harness/namespace.js'
import { writeFile } from './harness/trash.js'

t.test('a path is walked from the root', async t => {
  const fs = await Namespace.open()
  const d = await fs.makeDirectory(root, 'd')
  const file = await fs.make(d.ino, 'file')
  const namespace = new StateNamespace(fs.state, fs.journal, () => undefined)
  const resolve = (path: string) => namespace.resolvePath(Buffer.from(path))
  for (const path of ['/d/file', 'd/file', '//d///file', '/d/file/']) t.same(resolve(path), file, path)
  for (const path of ['', '/', '//']) t.equal(resolve(path).ino, root, `"${path}"`)
  const cases: [path: string, code: string][] = [
    ['/d/none', 'NOT_FOUND'],
    ['/d/file/x', 'NOT_A_DIRECTORY'],
    ['/d/..', 'INVALID_ARGUMENT'],
    [`/${'x'.repeat(256)}`, 'NAME_TOO_LONG'],
    ['/x'.repeat(3000), 'NAME_TOO_LONG'],
  ]
  for (const [path, code] of cases) t.throws(() => resolve(path), { code }, path.slice(0, 20))
})

t.test('an inode has attributes as long as it is there', async t => {
  const fs = await Namespace.open()
  const namespace = new StateNamespace(fs.state, fs.journal, () => undefined)
  t.equal(namespace.attributes(root as Ino).ino, root)
  t.throws(() => namespace.attributes(2 as Ino), { code: 'NOT_FOUND' })
})

t.test('before there are sessions there is no one to tell', async t => {
  const fs = await Namespace.open()
  const namespace = new StateNamespace(fs.state, fs.journal, () => undefined)
  t.equal(namespace.sessionCount, 0)
  await t.resolves(namespace.invalidate(root as Ino))
})

t.test('what is synced is on the journal’s disk', async t => {
  const failure = new LeasefsError('IO', 'the disk')
  class BrokenJournal extends MemoryJournal {
    override sync(): Promise<void> {
      return Promise.reject(failure)
    }
  }
  const fs = await Namespace.open({ journal: new BrokenJournal() })
  await t.rejects(new StateNamespace(fs.state, fs.journal, () => undefined).synced(), failure)
})

t.test('a file is deleted when it has no link any more, and in the trash', async t => {
  const fs = await Namespace.open({ trash: true })
  const namespace = new StateNamespace(fs.state, fs.journal, () => undefined)
  const ino = await writeFile(fs, root, 'f')
  t.notOk(namespace.isDeleted(ino))
  await fs.open(ino)
  await fs.unlink(root, 'f')
  t.ok(namespace.isDeleted(ino), 'it is open')
  await fs.close(ino)
  t.ok(namespace.isDeleted(ino), 'it is in the trash')
  const { trash } = fs.state.inodes.get(ino)
  await fs.rename([trash?.directory ?? 0, `${ino}-f`], [root, 'f'])
  t.notOk(namespace.isDeleted(ino))
  t.ok(namespace.isDeleted(999 as Ino))
})
