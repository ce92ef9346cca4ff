// What the binding makes of libfuse, on a mount. The rest is in test/mount.

import { constants } from 'node:fs'
import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { deferred } from '../../../../src/base/deferred.js'
import { name, root } from '../../harness/memory-operations.js'
import { mounted, shell } from '../../harness/mounted.js'

const { O_CREAT, O_EXCL, O_WRONLY, O_APPEND } = constants

t.test('a create has the flags of its open', async t => {
  const { path, fileSystem } = await mounted(t, { binding: 'fuse-native' })
  const asked: unknown[] = []
  const create = fileSystem.create.bind(fileSystem)
  fileSystem.create = async (...args) => {
    asked.push(args[3])
    return create(...args)
  }
  await (await open(join(path, 'a'), O_CREAT | O_EXCL | O_WRONLY | O_APPEND)).close()
  await (await open(join(path, 'b'), O_CREAT | constants.O_RDWR)).close()
  t.match(asked, [
    { exclusive: true, write: true, read: false, append: true },
    { exclusive: false, write: true, read: true, append: false },
  ])
})

t.test('one time is set without the other', async t => {
  const { path, fileSystem } = await mounted(t, { binding: 'fuse-native' })
  await shell(path, 'touch -d @5000000 f; touch -m -d @6000000 f')
  t.match(await fileSystem.lookup(root, name('f')), { atime: { seconds: 5_000_000 }, mtime: { seconds: 6_000_000 } })
})

t.test('reads and writes come in requests of 128 KiB', async t => {
  const { path, fileSystem } = await mounted(t, { binding: 'fuse-native' })
  const [reads, writes]: [number[], number[]] = [[], []]
  const openFile = fileSystem.open.bind(fileSystem)
  fileSystem.open = async (...args) => {
    const file = await openFile(...args)
    return {
      ...file,
      read: (offset, length) => {
        reads.push(length)
        return file.read(offset, length)
      },
      write: (offset, data) => {
        writes.push(data.length)
        return file.write(offset, data)
      },
    }
  }
  const data = Buffer.alloc(1024 * 1024, 'data')
  await writeFile(join(path, 'f'), data)
  t.ok((await readFile(join(path, 'f'))).equals(data))
  t.same([Math.max(...writes), writes.length], [128 * 1024, 8])
  t.equal(Math.max(...reads), 128 * 1024)
})

t.test('requests overlap: one that waits does not hold up the others', async t => {
  const { path, fileSystem } = await mounted(t, { binding: 'fuse-native' })
  await writeFile(join(path, 'f'), 'x')
  const waiting = deferred<void>()
  const lookup = fileSystem.resolve.bind(fileSystem)
  fileSystem.resolve = async (base, names) => {
    if (String(names[0]).startsWith('slow')) await waiting.promise
    return lookup(base, names)
  }
  const slow = Array.from({ length: 3 }, (_, i) => stat(join(path, `slow${i}`)).catch(error => error.code))
  t.equal((await stat(join(path, 'f'))).size, 1)
  waiting.resolve()
  t.same(await Promise.all(slow), ['ENOENT', 'ENOENT', 'ENOENT'])
})

t.test('bursts of requests do not make threads without end', async t => {
  const { path } = await mounted(t, { binding: 'fuse-native' })
  const burst = () =>
    shell(path, 'for i in $(seq 40); do (for j in $(seq 20); do stat . ; done > /dev/null) & done; wait')
  const threads = async () => new Set(await readdir('/proc/self/task'))
  for (let i = 0; i < 4; i++) await burst()
  const before = await threads()
  await burst()
  const after = await threads()
  t.same(
    [...after].filter(thread => !before.has(thread)),
    [],
  )
})
