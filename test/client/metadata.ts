import t, { type Test } from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import type { Attributes } from '../../src/client/file-system.js'
import { Metadata } from '../../src/client/metadata.js'
import type { Operation, Result } from '../../src/client/requests.js'
import { FileType } from '../../src/wire/gen/common.js'
import type { Ino } from '../../src/wire/ids.js'
import { attributesOf, attributesResult, done, type Scripted, ScriptedMaster } from './harness/master.js'

const ino = (value: number) => value as Ino
const root = ino(1)
const name = (text: string) => Buffer.from(text)
const inode = { mode: 0o644, uid: 0, gid: 0 }
const notFound = new LeasefsError('NOT_FOUND', 'not there')

async function start(t: Test, answer: (operation: Operation) => Scripted = () => attributesResult(5)) {
  const master = await new ScriptedMaster().start()
  master.answer = answer
  const session = await master.session(t)
  const abandoned: Ino[] = []
  const metadata = new Metadata(session, opened => abandoned.push(opened))
  session.listen({
    invalidated: inos => inos.forEach(of => void metadata.cache.drop(of)),
    reset: () => metadata.cache.clear(),
  })
  /** Runs the call to its end, whatever it waits for. */
  const run = async <T>(call: Promise<T>): Promise<T> => {
    call.catch(() => {})
    await master.settle()
    return call
  }
  return { master, session, metadata, run, abandoned }
}

t.test('what was looked up is not asked again', async t => {
  const { master, metadata, run } = await start(t)
  t.match(await run(metadata.lookup(root, name('a'))), { ino: 5, kind: 'file' })
  await run(metadata.lookup(root, name('a')))
  await run(metadata.getAttributes(ino(5)))
  t.same(master.asked, ['lookup'])
})

t.test('that a name is not there is remembered too', async t => {
  const { master, metadata, run } = await start(t, () => notFound)
  await t.rejects(run(metadata.lookup(root, name('a'))), { code: 'NOT_FOUND' })
  await t.rejects(run(metadata.lookup(root, name('a'))), { code: 'NOT_FOUND' })
  await t.rejects(run(metadata.resolve(root, [name('a'), name('b')])), { code: 'NOT_FOUND' })
  t.equal(master.asked.length, 1)
})

t.test('an invalidation empties the cache, and what is answered meanwhile is not kept', async t => {
  const { master, metadata, run } = await start(t)
  await run(metadata.lookup(root, name('a')))
  master.invalidate(1, [5])
  await master.settle()
  await run(metadata.getAttributes(ino(5)))
  t.same(master.asked, ['lookup', 'getAttributes'])

  master.answer = () => 'later'
  const asked = metadata.getAttributes(ino(6))
  await master.settle()
  master.invalidate(2, [6])
  master.reply(3, attributesResult(6))
  t.match(await run(asked), { ino: 6 }, 'it is given to who asked')
  t.equal(metadata.cache.attributes(ino(6)), undefined)
})

t.test('without a client lease nothing that is cached is used', async t => {
  const { master, metadata, run } = await start(t)
  await run(metadata.lookup(root, name('a')))
  master.pongs = false
  await master.settle(5000)
  await run(metadata.lookup(root, name('a')))
  t.same(master.asked, ['lookup', 'lookup'])
})

t.test('a path is walked as far as it is known, and the rest is one question', async t => {
  const directory = { type: 2 as const }
  const resolved = (steps: Result & { $case: 'resolved' }): Result => steps
  const { master, metadata, run } = await start(t, operation => {
    if (operation.$case === 'lookup') return attributesResult(5, directory)
    return resolved({
      $case: 'resolved',
      value: { steps: [attributesOf(6, directory), attributesOf(7)], stopped: undefined },
    })
  })
  await run(metadata.lookup(root, name('a')))
  const path = ['a', 'b', 'c'].map(name)
  t.match(await run(metadata.resolve(root, path)), [{ ino: 5 }, { ino: 6 }, { ino: 7 }])
  t.match(master.requests[1]?.operation, { value: { base: 5, names: [name('b'), name('c')] } })
  await run(metadata.resolve(root, path))
  t.equal(master.asked.length, 2, 'then all of it is known')
})

t.test('why a walk stopped is the error, and remembered', async t => {
  const { master, metadata, run } = await start(t, () => ({
    $case: 'resolved',
    value: { steps: [attributesOf(5, { type: 2 })], stopped: { code: 'NOT_FOUND', message: '' } },
  }))
  await t.rejects(run(metadata.resolve(root, [name('a'), name('x')])), { code: 'NOT_FOUND' })
  await t.rejects(run(metadata.lookup(ino(5), name('x'))), { code: 'NOT_FOUND' })
  t.equal(master.asked.length, 1)
  master.answer = () => ({
    $case: 'resolved',
    value: { steps: [], stopped: { code: 'NOT_A_DIRECTORY', message: '' } },
  })
  await t.rejects(run(metadata.resolve(ino(9), [name('a')])), { code: 'NOT_A_DIRECTORY' })
})

t.test('after a change of our own the directory is asked about again, its entries are known', async t => {
  const changes: [what: string, call: (metadata: Metadata) => Promise<unknown>, entries: Record<string, unknown>][] = [
    ['make', m => m.make(root, name('new'), 'file', inode, { exclusive: true }), { new: 5 }],
    ['link', m => m.link(ino(5), root, name('new')), { new: 5 }],
    ['unlink', m => m.remove(root, name('old'), 'unlink'), { old: 'absent' }],
    ['removeDirectory', m => m.remove(root, name('old'), 'removeDirectory'), { old: 'absent' }],
    ['rename', m => m.rename(root, name('old'), root, name('new')), { old: 'absent', new: 5 }],
    [
      'exchange',
      m => m.rename(root, name('old'), root, name('new'), { exchange: true }),
      { old: undefined, new: undefined },
    ],
  ]
  for (const [what, call, entries] of changes) {
    const { metadata, run } = await start(t, operation => {
      if (operation.$case === 'lookup') return operation.value.name.equals(name('new')) ? notFound : attributesResult(5)
      if (['unlink', 'removeDirectory', 'rename'].includes(operation.$case)) return done
      return attributesResult(operation.$case === 'getAttributes' ? operation.value.ino : 5)
    })
    await run(metadata.getAttributes(root))
    metadata.cache.putListing(root, { entries: [], parent: root })
    await run(call(metadata))
    t.equal(metadata.cache.attributes(root), undefined, `${what}: times of the directory`)
    t.ok(metadata.cache.agedAttributes(root))
    t.equal(metadata.cache.listing(root), undefined, `${what}: its listing`)
    for (const [entry, expected] of Object.entries(entries)) {
      t.equal(metadata.cache.entry(root, name(entry)), expected, `${what}: ${entry}`)
    }
    if (what !== 'make' && what !== 'link') t.equal(metadata.cache.attributes(ino(5)), undefined, `${what}: the inode`)
  }
})

t.test('what the master says of the inodes that a change touched is kept', async t => {
  const { metadata, run, master } = await start(t, operation =>
    operation.$case === 'unlink' ? done : attributesResult(5),
  )
  await run(metadata.lookup(root, name('old')))
  master.changed = [attributesOf(1, { type: 2, nlink: 7 }), attributesOf(5, { nlink: 1 })]
  await run(metadata.remove(root, name('old'), 'unlink'))
  t.match(metadata.cache.attributes(root), { nlink: 7 })
  t.match(metadata.cache.attributes(ino(5)), { nlink: 1 })
})

t.test('a change that failed leaves nothing in doubt', async t => {
  const { metadata, run, master } = await start(t, () => notFound)
  await t.rejects(run(metadata.lookup(root, name('new'))), { code: 'NOT_FOUND' })
  master.answer = () => new LeasefsError('ALREADY_EXISTS', 'someone was faster')
  await t.rejects(run(metadata.make(root, name('new'), 'file', inode, { exclusive: true })), { code: 'ALREADY_EXISTS' })
  t.equal(metadata.cache.entry(root, name('new')), undefined)
})

t.test('an inode that was opened for someone who has gone is reported', async t => {
  const { metadata, master, abandoned } = await start(t, () => 'later')
  const opening = metadata.open(ino(5))
  const making = metadata.make(root, name('new'), 'file', inode, { exclusive: false, open: true })
  for (const call of [opening, making]) call.catch(() => {})
  await master.settle(60_000)
  await t.rejects(opening, { code: 'TIMEOUT' })
  await t.rejects(making, { code: 'TIMEOUT' })
  master.reply(1, attributesResult(5))
  master.reply(2, attributesResult(6))
  await master.settle()
  t.same(abandoned, [5, 6])
})

t.test('targets of symlinks are remembered, and values of extended attributes', async t => {
  const { metadata, master, run } = await start(t, () => ({ $case: 'value', value: Buffer.from('v') }))
  for (let count = 0; count < 2; count++) {
    t.same(await run(metadata.readSymlink(ino(5))), Buffer.from('v'))
    t.same(await run(metadata.getXattr(ino(5), name('user.a'))), Buffer.from('v'))
  }
  t.same(master.asked, ['readLink', 'getXattr'])
  await run(metadata.setXattr(ino(5), name('user.b'), name('w')).catch(() => {}))
  await run(metadata.getXattr(ino(5), name('user.a')))
  t.equal(master.asked.length, 4, 'until one is changed')
  master.invalidate(1, [5])
  await master.settle()
  await run(metadata.getXattr(ino(5), name('user.a')))
  t.equal(master.asked.length, 5)
})

t.test('that an extended attribute is not there is remembered, by itself or from the list', async t => {
  const { metadata, master, run } = await start(t, operation =>
    operation.$case === 'listXattrs'
      ? { $case: 'names', value: { names: [name('user.a')] } }
      : new LeasefsError('NO_ATTRIBUTE', 'none'),
  )
  for (let count = 0; count < 2; count++) {
    await t.rejects(run(metadata.getXattr(ino(5), name('user.x'))), { code: 'NO_ATTRIBUTE' })
    t.same(await run(metadata.listXattrs(ino(5))), [name('user.a')])
    await t.rejects(run(metadata.getXattr(ino(5), name('user.y'))), { code: 'NO_ATTRIBUTE' })
  }
  t.same(master.asked, ['getXattr', 'listXattrs'])
})

t.test('a file that we made has no extended attributes', async t => {
  const { metadata, master, run } = await start(t, operation =>
    operation.$case === 'lookup' ? notFound : operation.$case === 'make' ? attributesResult(5) : attributesResult(1),
  )
  const make = () => run(metadata.make(root, name('a'), 'file', inode, { exclusive: false, open: true }))
  await run(metadata.lookup(root, name('a'))).catch(() => {})
  await make()
  t.same(await run(metadata.listXattrs(ino(5))), [])
  t.same(master.asked, ['lookup', 'make'])
  metadata.cache.clear()
  await make()
  await t.rejects(run(metadata.listXattrs(ino(5))), { code: 'INTERNAL' }, 'but it may have been there')
})

t.test('attributes, privileges and the usage of a cut chunk are changed in one', async t => {
  const { metadata, master, run } = await start(t)
  metadata.cache.xattrs.putNames(ino(5), [name('security.capability')])
  const usage = [{ index: 1, handle: 2, leaseId: 3, serial: 4, allocatedBytes: 5 }]
  await run(metadata.setAttributes(ino(5), { size: 5, mtime: 'now', mode: 0o600, killPrivileges: true }, usage))
  t.match(master.requests[0]?.operation, {
    value: { ino: 5, size: 5, mtimeNow: true, atimeNow: false, mode: 0o600, killPrivileges: true, usage },
  })
  t.equal(metadata.cache.xattrs.names(ino(5)), undefined, 'rights in extended attributes may have gone with it')
  await run(metadata.written(ino(5), 9, undefined, usage))
  t.match(master.requests[1]?.operation, { value: { ino: 5, size: 9, usage } })
})

t.test('an access time that was told is asked for again', async t => {
  const { metadata, master, run } = await start(t)
  await run(metadata.getAttributes(ino(5)))
  master.answer = () => done
  await run(metadata.accessed(ino(5), { seconds: 9, nanos: 0 }))
  t.match(master.requests[1]?.operation, { $case: 'accessed', value: { ino: 5, atime: { seconds: 9 } } })
  t.equal(metadata.cache.attributes(ino(5)), undefined)
  master.changed = [attributesOf(5, { atime: { seconds: 9, nanos: 0 } })]
  await run(metadata.accessed(ino(5), { seconds: 9, nanos: 0 }))
  t.match(metadata.cache.attributes(ino(5)), { atime: { seconds: 9 } }, 'unless the master says how it is now')
})

t.test('space is counted in what users can store', async t => {
  const statistics: Result = { $case: 'statistics', value: { totalBytes: 900, freeBytes: 100, inodes: 7, goal: 3 } }
  const { metadata, run } = await start(t, () => statistics)
  t.same(await run(metadata.statistics()), { totalBytes: 300, freeBytes: 33, inodes: 7 })
})

t.test('an answer of another kind than was asked for is an error', async t => {
  const { metadata, run } = await start(t, () => done)
  await t.rejects(run(metadata.getAttributes(ino(5))), { code: 'INTERNAL' })
  const ask = (changes: Partial<Attributes>) => run(metadata.setAttributes(ino(5), changes))
  await t.rejects(ask({ mode: 1 }), { code: 'INTERNAL' })
})

t.test('in a directory that was made here, only what was put there is asked about', async t => {
  const { master, metadata, run } = await start(t, operation =>
    operation.$case === 'make' && operation.value.type === FileType.DIRECTORY
      ? attributesResult(7)
      : attributesResult(8),
  )
  const directory = ino(7)
  await run(metadata.make(root, name('d'), 'directory', inode, { exclusive: true }))
  await t.rejects(run(metadata.lookup(directory, name('a'))), { code: 'NOT_FOUND' })
  await run(metadata.make(directory, name('a'), 'file', inode, { exclusive: true }))
  t.match(await run(metadata.lookup(directory, name('a'))), { ino: 8 })
  master.answer = () => done
  await run(metadata.rename(directory, name('a'), directory, name('b')))
  await t.rejects(run(metadata.lookup(directory, name('a'))), { code: 'NOT_FOUND' })
  await t.rejects(run(metadata.lookup(directory, name('c'))), { code: 'NOT_FOUND' })
  t.notOk(master.asked.includes('lookup'))

  master.invalidate(1, [directory])
  await master.settle()
  master.answer = () => notFound
  await t.rejects(run(metadata.lookup(directory, name('c'))), { code: 'NOT_FOUND' })
  t.equal(master.asked.at(-1), 'lookup', 'until another client has changed it')
})

t.test('a directory that was made while something was invalidated may have got entries', async t => {
  const { master, metadata, run } = await start(t, () => 'later')
  const making = metadata.make(root, name('d'), 'directory', inode, { exclusive: true })
  await master.settle()
  master.invalidate(1, [7])
  await master.settle()
  master.reply(1, attributesResult(7))
  await run(making)
  master.answer = () => attributesResult(8)
  t.match(await run(metadata.lookup(ino(7), name('a'))), { ino: 8 })
})

t.test('of a directory that was listed whole the absent names are known, of a part they are not', async t => {
  for (const more of [false, true]) {
    const page = { entries: [{ name: name('a'), attributes: attributesOf(8) }], more, parent: 1 }
    const { master, metadata, run } = await start(t, operation =>
      operation.$case === 'readDirectory' ? { $case: 'directory', value: page } : notFound,
    )
    await run(metadata.readDirectoryPage(root, name(''), 10))
    await t.rejects(run(metadata.lookup(root, name('b'))), { code: 'NOT_FOUND' })
    t.same(master.asked, more ? ['readDirectory', 'lookup'] : ['readDirectory'])
    t.match(await run(metadata.lookup(root, name('a'))), { ino: 8 })
  }
})

t.test('whether another has an inode open is asked each time, and its attributes are kept', async t => {
  const { master, metadata, run } = await start(t, () => ({
    $case: 'attributes',
    value: { ...attributesOf(5, { size: 9 }), openElsewhere: true },
  }))
  t.match(await run(metadata.getOpens(ino(5))), { attributes: { size: 9 }, openElsewhere: true })
  master.answer = () => attributesResult(5)
  t.match(await run(metadata.getOpens(ino(5))), { attributes: { size: 0 }, openElsewhere: false })
  await run(metadata.getAttributes(ino(5)))
  t.match(master.requests, [{ operation: { value: { opens: true } } }, { operation: { value: { opens: true } } }])
  t.equal(master.requests.length, 2)
})
