import t from 'tap'
import { linkCountMax } from '../../../src/constants.js'
import { DIRECTORY, onEachStore, root } from '../harness/namespace.js'

onEachStore(t, 'a file moves: times, not its inode number', async (t, fs) => {
  const directory = await fs.makeDirectory(root, 'd')
  const file = await fs.make(root, 'a')
  await fs.tick()
  const { touched } = await fs.rename([root, 'a'], [directory.ino, 'b'])
  const moved = fs.stat(file.ino)
  t.same(moved, { ...file, ctime: moved.ctime })
  t.notSame(moved.ctime, file.ctime)
  t.match([fs.stat(root), fs.stat(directory.ino)], [{ mtime: moved.ctime }, { mtime: moved.ctime, ctime: moved.ctime }])
  t.same(fs.names(root), ['d'])
  t.same(fs.names(directory.ino), ['b'])
  t.same(touched, [root, directory.ino, file.ino])
})

onEachStore(t, 'a file replaces a file, whose inode goes', async (t, fs) => {
  const a = await fs.make(root, 'a')
  const b = await fs.make(root, 'b')
  await fs.rename([root, 'a'], [root, 'b'])
  t.same(fs.names(root), ['b'])
  t.equal(fs.state.dentries.find(root, Buffer.from('b')), a.ino)
  t.notOk(fs.state.inodes.find(b.ino))
})

onEachStore(t, 'a replaced file with another link, or open, lives on', async (t, fs) => {
  await fs.make(root, 'a')
  const linked = await fs.make(root, 'b')
  await fs.link(linked.ino, root, 'c')
  await fs.rename([root, 'a'], [root, 'b'])
  t.equal(fs.stat(linked.ino).nlink, 1)

  await fs.open(linked.ino)
  await fs.rename([root, 'b'], [root, 'c'])
  t.equal(fs.stat(linked.ino).nlink, 0)
  await fs.close(linked.ino)
  t.notOk(fs.state.inodes.find(linked.ino))
})

onEachStore(t, 'directories carry their link counts and their parent with them', async (t, fs) => {
  const [a, b] = [await fs.makeDirectory(root, 'a'), await fs.makeDirectory(root, 'b')]
  const moving = await fs.makeDirectory(a.ino, 'm')
  await fs.rename([a.ino, 'm'], [b.ino, 'm'])
  t.same(
    [a, b].map(({ ino }) => fs.stat(ino).nlink),
    [2, 3],
  )
  t.equal(fs.state.inodes.get(moving.ino).parent, b.ino)
  t.match(fs.read({ $case: 'readDirectory', value: { ino: moving.ino, after: Buffer.alloc(0), countMax: 0 } }), {
    result: { value: { parent: b.ino } },
  })

  await fs.makeDirectory(a.ino, 'empty')
  await fs.rename([b.ino, 'm'], [a.ino, 'empty'])
  t.same(
    [a, b].map(({ ino }) => fs.stat(ino).nlink),
    [3, 2],
    'over an empty directory',
  )
  await fs.rename([root, 'b'], [a.ino, 'm2'])
  t.equal(fs.stat(root).nlink, 3)
  t.equal(fs.stat(a.ino).nlink, 4)
})

onEachStore(t, 'two names of one inode: nothing happens', async (t, fs) => {
  const file = await fs.make(root, 'a')
  await fs.link(file.ino, root, 'b')
  const before = fs.dump()
  await fs.rename([root, 'a'], [root, 'b'])
  await fs.rename([root, 'a'], [root, 'a'])
  t.same(fs.dump(), before)
})

onEachStore(t, 'exchange swaps two of any kind', async (t, fs) => {
  const d = await fs.makeDirectory(root, 'd')
  const sub = await fs.makeDirectory(d.ino, 'sub')
  const file = await fs.make(root, 'file')
  await fs.rename([root, 'file'], [d.ino, 'sub'], { exchange: true })
  t.equal(fs.state.dentries.find(root, Buffer.from('file')), sub.ino)
  t.equal(fs.state.dentries.find(d.ino, Buffer.from('sub')), file.ino)
  t.same(
    [root, d.ino].map(ino => fs.stat(ino).nlink),
    [4, 2],
  )
  t.equal(fs.state.inodes.get(sub.ino).parent, root)
  await fs.rename([root, 'd'], [root, 'file'], { exchange: true })
  t.equal(fs.state.dentries.find(root, Buffer.from('d')), sub.ino, 'within one directory')
  t.equal(fs.stat(root).nlink, 4)
})

onEachStore(
  t,
  'the times that move are those of both directories, and ctime of what moved or was met',
  async (t, fs) => {
    const [d, e] = [await fs.makeDirectory(root, 'd'), await fs.makeDirectory(root, 'e')]
    const moving = await fs.makeDirectory(d.ino, 'm')
    const [file, met] = [await fs.make(d.ino, 'f'), await fs.make(e.ino, 'g')]
    await fs.link(met.ino, root, 'also')
    const inos = [root, d.ino, e.ino, moving.ino, file.ino, met.ino]
    const moved = async (run: () => Promise<unknown>) => {
      const before = inos.map(ino => fs.stat(ino))
      await fs.tick()
      await run()
      return inos.map((ino, at) => {
        const [now, then] = [fs.stat(ino), before[at]]
        const times = (['atime', 'mtime', 'ctime'] as const).filter(
          name => now[name]?.seconds !== then?.[name]?.seconds,
        )
        return times.map(name => name[0]).join('')
      })
    }
    t.same(await moved(() => fs.rename([d.ino, 'm'], [e.ino, 'm'])), ['', 'mc', 'mc', 'c', '', ''])
    t.same(await moved(() => fs.rename([d.ino, 'f'], [e.ino, 'g'])), ['', 'mc', 'mc', '', 'c', 'c'], 'replaced')
    t.same(await moved(() => fs.rename([e.ino, 'g'], [root, 'also'], { exchange: true })), [
      'mc',
      '',
      'mc',
      '',
      'c',
      'c',
    ])
    t.same(
      await moved(() => fs.rename([e.ino, 'm'], [e.ino, 'n'])),
      ['', '', 'mc', 'c', '', ''],
      'within one directory',
    )
  },
)

onEachStore(t, 'a directory takes no more subdirectories than it has links', async (t, fs) => {
  const [d, e] = [await fs.makeDirectory(root, 'd'), await fs.makeDirectory(root, 'e')]
  await fs.makeDirectory(d.ino, 'sub')
  await fs.make(d.ino, 'file')
  await fs.makeDirectory(e.ino, 'one')
  await fs.make(e.ino, 'file')
  fs.state.transaction(() => fs.state.inodes.change(e.ino, { nlink: linkCountMax }))
  const full = { code: 'TOO_MANY_LINKS' }
  await t.rejects(fs.makeDirectory(e.ino, 'x'), full)
  await t.rejects(fs.rename([d.ino, 'sub'], [e.ino, 'x']), full)
  await t.rejects(fs.rename([d.ino, 'sub'], [e.ino, 'file'], { exchange: true }), full)
  await t.rejects(fs.rename([e.ino, 'file'], [d.ino, 'sub'], { exchange: true }), full)
  await fs.make(e.ino, 'another')
  await fs.rename([e.ino, 'one'], [e.ino, 'two'])
  await fs.rename([d.ino, 'sub'], [e.ino, 'two'], { exchange: true })
  await fs.rename([d.ino, 'sub'], [e.ino, 'two'])
  t.equal(fs.stat(e.ino).nlink, linkCountMax, 'one for another')
})

onEachStore(t, 'what POSIX does not allow is refused, and nothing changes', async (t, fs) => {
  const d = await fs.makeDirectory(root, 'd')
  const e = await fs.make(d.ino, 'e', { type: DIRECTORY })
  await fs.make(e.ino, 'full')
  await fs.makeDirectory(root, 'empty')
  await fs.make(root, 'file')
  const before = fs.dump()

  type Place = [parent: number, name: string]
  const cases: [from: Place, to: Place, flags: { noReplace?: boolean; exchange?: boolean }, code: string][] = [
    [[root, 'none'], [root, 'x'], {}, 'NOT_FOUND'],
    [[root, 'file'], [999, 'x'], {}, 'NOT_FOUND'],
    [[root, 'file'], [root, 'empty'], {}, 'IS_A_DIRECTORY'],
    [[root, 'empty'], [root, 'file'], {}, 'NOT_A_DIRECTORY'],
    [[root, 'empty'], [d.ino, 'e'], {}, 'NOT_EMPTY'],
    [[root, 'd'], [root, 'd/x'], {}, 'INVALID_ARGUMENT'],
    [[root, 'd'], [d.ino, 'x'], {}, 'INVALID_ARGUMENT'],
    [[root, 'd'], [e.ino, 'x'], {}, 'INVALID_ARGUMENT'],
    [[root, 'd'], [e.ino, 'full'], { exchange: true }, 'INVALID_ARGUMENT'],
    [[e.ino, 'full'], [root, 'd'], { exchange: true }, 'INVALID_ARGUMENT'],
    [[d.ino, 'e'], [root, 'd'], {}, 'NOT_EMPTY'],
    [[e.ino, 'full'], [root, 'd'], {}, 'NOT_EMPTY'],
    [[root, 'd'], [d.ino, 'e'], {}, 'INVALID_ARGUMENT'],
    [[root, 'd'], [d.ino, 'e'], { exchange: true }, 'INVALID_ARGUMENT'],
    [[d.ino, 'e'], [root, 'd'], { exchange: true }, 'INVALID_ARGUMENT'],
    [[root, 'none'], [root, 'file'], { noReplace: true }, 'NOT_FOUND'],
    [[root, 'file'], [root, 'x'], { exchange: true }, 'NOT_FOUND'],
    [[root, 'file'], [root, 'empty'], { noReplace: true }, 'ALREADY_EXISTS'],
    [[root, 'file'], [root, 'file'], { noReplace: true }, 'ALREADY_EXISTS'],
    [[root, 'file'], [root, 'empty'], { noReplace: true, exchange: true }, 'INVALID_ARGUMENT'],
    [[root, 'file'], [root, '..'], {}, 'INVALID_ARGUMENT'],
    [[root, '.'], [root, 'x'], {}, 'INVALID_ARGUMENT'],
  ]
  for (const [from, to, flags, code] of cases) {
    await t.rejects(fs.rename(from, to, flags), { code }, `${from} → ${to}: ${code}`)
  }
  t.same(fs.dump(), before)
})
