import t from 'tap'
import { pathLengthMax } from '../../../src/constants.js'
import { type Namespace, onEachStore, root, SYMLINK } from '../harness/namespace.js'

function lookup(fs: Namespace, parent: number, name: string) {
  return fs.read({ $case: 'lookup', value: { parent, name: Buffer.from(name) } })
}

function resolve(fs: Namespace, base: number, ...names: string[]) {
  return fs.read({ $case: 'resolve', value: { base, names: names.map(name => Buffer.from(name)) } })
}

onEachStore(t, 'a name is found, or known not to be there', async (t, fs) => {
  const file = await fs.make(root, 'a')
  t.same(lookup(fs, root, 'a'), { result: { $case: 'attributes', value: file }, cached: [root, file.ino] })
  t.match(lookup(fs, root, 'b'), { failure: { code: 'NOT_FOUND' }, cached: [root] })
  t.throws(() => lookup(fs, 999, 'a'), { code: 'NOT_FOUND' })
  t.throws(() => lookup(fs, file.ino, 'a'), { code: 'NOT_A_DIRECTORY' })
  t.throws(() => lookup(fs, root, '..'), { code: 'INVALID_ARGUMENT' })
  t.throws(() => lookup(fs, root, 'x'.repeat(256)), { code: 'NAME_TOO_LONG' })
})

onEachStore(t, 'names are bytes', async (t, fs) => {
  const name = Buffer.from([0xff, 0xfe, 0x80, 0x0a])
  const value = { parent: root, name, type: 1 as const, mode: 0, uid: 0, gid: 0, rdev: 0 }
  await fs.change({
    $case: 'make',
    value: { ...value, symlinkTarget: Buffer.alloc(0), exclusive: true, open: false },
  })
  t.match(fs.read({ $case: 'lookup', value: { parent: root, name } }), { result: { value: { ino: 2 } } })
  t.match(fs.state.dentries.page(root, Buffer.alloc(0), 10), [{ name }])
})

onEachStore(t, 'a walk goes as far as there are names', async (t, fs) => {
  const a = await fs.makeDirectory(root, 'a')
  const b = await fs.makeDirectory(a.ino, 'b')
  const link = await fs.make(b.ino, 'link', { type: SYMLINK, symlinkTarget: Buffer.from('/') })
  const steps = [fs.stat(a.ino), fs.stat(b.ino), link]
  t.same(resolve(fs, root, 'a', 'b', 'link'), {
    result: { $case: 'resolved', value: { steps, stopped: undefined } },
    cached: [root, a.ino, a.ino, b.ino, b.ino, link.ino],
  })
  t.match(resolve(fs, root, 'a', 'none', 'x'), {
    result: { value: { steps: steps.slice(0, 1), stopped: { code: 'NOT_FOUND' } } },
    cached: [root, a.ino, a.ino],
  })
  t.match(resolve(fs, b.ino, 'link', 'x'), {
    result: { value: { steps: [link], stopped: { code: 'NOT_A_DIRECTORY' } } },
  })
  t.match(resolve(fs, root), { result: { value: { steps: [] } } })
  t.throws(() => resolve(fs, 999), { code: 'NOT_FOUND' })
  t.throws(() => resolve(fs, root, 'a', '..'), { code: 'INVALID_ARGUMENT' })
  t.throws(() => resolve(fs, root, ...Array(pathLengthMax).fill('a')), { code: 'NAME_TOO_LONG' })
})
