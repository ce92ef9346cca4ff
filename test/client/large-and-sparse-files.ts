import { randomBytes } from 'node:crypto'
import t from 'tap'
import { GiB } from '../../src/base/units.js'
import type { FileSystem, OpenFile } from '../../src/client/file-system.js'
import { checksumBlockSize, chunkSize, fileSizeMax, rootIno } from '../../src/constants.js'
import type { Ino } from '../../src/wire/ids.js'
import { startCluster } from './harness/cluster.js'

async function create(fileSystem: FileSystem, name: string): Promise<OpenFile> {
  const inode = { mode: 0o644, uid: 0, gid: 0 }
  const options = { read: true, write: true, exclusive: true }
  return (await fileSystem.create(rootIno as Ino, Buffer.from(name), inode, options)).file
}

t.test('holes are made and filled, found by another client, and what is stored is counted', async t => {
  const cluster = await startCluster(t)
  const [fileSystem, other] = [await cluster.client(), await cluster.client()]
  const file = await create(fileSystem, 'holes')
  const block = checksumBlockSize
  const stored = async () => (await other.getAttributes(file.ino)).allocatedBytes
  await file.write(0, randomBytes(4 * block))
  await file.write(chunkSize + 2 * block, randomBytes(block))
  await file.zero(block, 2 * block)
  t.equal(await stored(), 3 * block)
  await file.allocate(chunkSize, block)
  t.equal(await stored(), 4 * block)

  const reader = await other.open(file.ino, { read: true, write: false })
  t.ok(Buffer.concat(await reader.read(block, 2 * block)).equals(Buffer.alloc(2 * block)))
  t.equal(await reader.seek(0, 'hole'), block)
  t.equal(await reader.seek(block, 'data'), 3 * block)
  t.equal(await reader.seek(4 * block, 'data'), chunkSize)
  t.equal(await reader.seek(chunkSize, 'hole'), chunkSize + block)
  t.equal(await reader.seek(chunkSize + 2 * block, 'hole'), chunkSize + 3 * block, 'the end is a hole')
  t.equal(await reader.seek(chunkSize + 3 * block, 'data'), undefined)
  await fileSystem.setAttributes(file.ino, { size: block })
  t.equal(await stored(), block)
  await Promise.all([file.close(), reader.close()])
})

t.test('a file goes far beyond 4 GiB, up to the largest size and no further', async t => {
  const cluster = await startCluster(t)
  const [fileSystem, other] = [await cluster.client(), await cluster.client()]
  const file = await create(fileSystem, 'huge')
  for (const end of [4 * GiB + 2, fileSizeMax]) {
    await file.write(end - 4, Buffer.from('last'))
    await file.flush()
    const reader = await other.open(file.ino, { read: true, write: false })
    t.equal((await other.getAttributes(file.ino)).size, end)
    t.same(Buffer.concat(await reader.read(end - 6, 6)), Buffer.from('\0\0last'))
    await reader.close()
  }
  await t.rejects(file.write(fileSizeMax - 1, Buffer.from('no')), { code: 'FILE_TOO_LARGE' })
  await t.rejects(file.allocate(fileSizeMax, 1), { code: 'FILE_TOO_LARGE' })
  await t.rejects(fileSystem.setAttributes(file.ino, { size: fileSizeMax + 1 }), { code: 'FILE_TOO_LARGE' })
  await fileSystem.setAttributes(file.ino, { size: 4 * GiB })
  t.same(Buffer.concat(await file.read(4 * GiB - 2, 100)), Buffer.from('la'))
  await file.close()
})
