import t from 'tap'
import { chunkSize } from '../../../src/constants.js'
import { checkAllocate } from '../../../src/master/ops/chunks.js'
import { dropChunks, dropLink, dropUntold, entriesChanged, releaseInode } from '../../../src/master/ops/inode-life.js'
import type { Ino } from '../../../src/wire/ids.js'
import { onEachStore, root } from '../harness/namespace.js'

const now = { seconds: 7, nanos: 0 }
const nothing = { freed: [], aside: [] }

onEachStore(t, 'a directory whose entries changed says when, and counts its subdirectories', async (t, fs) => {
  fs.state.transaction(() => entriesChanged(fs.state, root, 3, now))
  t.match(fs.stat(root), { nlink: 5, mtime: now, ctime: now })
})

onEachStore(t, 'an inode goes with everything it has, once nothing holds it', async (t, fs) => {
  const ino = (await fs.make(root, 'a')).ino as Ino
  const chunks = Array.from({ length: 2500 }, (_, index) => ({ index, replicaCount: 1 }))
  await fs.submit(state => checkAllocate(state, ino, chunks))
  const release = () => fs.state.transaction(() => releaseInode(fs.state, ino, now))
  t.same(release(), nothing, 'it has a link')
  await fs.open(ino)
  fs.state.transaction(() => t.same(dropLink(fs.state, ino, now), nothing, 'it is open'))
  fs.state.transaction(() => fs.state.opens.remove(fs.session, ino))
  t.equal(release().freed.length, 2500)
  t.same([fs.state.meta.current.chunkCount, [...fs.state.chunks.all()]], [0, []])
  t.same(release(), nothing, 'it is gone')
})

onEachStore(t, 'chunks are dropped from an index on', async (t, fs) => {
  const ino = (await fs.make(root, 'a')).ino as Ino
  const chunks = Array.from({ length: 1500 }, (_, index) => ({ index, replicaCount: 1 }))
  await fs.submit(state => checkAllocate(state, ino, chunks))
  t.equal(fs.state.transaction(() => dropChunks(fs.state, ino, 100)).length, 1400)
  t.same(
    fs.state.chunks.ofFile(ino, 0, 2000).map(({ index }) => index),
    chunks.slice(0, 100).map(({ index }) => index),
  )
})

onEachStore(t, 'chunks wholly beyond the end are dropped if no one has the file open', async (t, fs) => {
  const { ino } = await fs.make(root, 'a', { open: true })
  const chunks = Array.from({ length: 5 }, (_, index) => ({ index, replicaCount: 1 }))
  await fs.submit(state => checkAllocate(state, ino as Ino, chunks))
  const usage = fs.state.chunks
    .ofFile(ino, 0, 10)
    .map(({ index, handle }) => ({ index, handle, allocatedBytes: 10 + index, leaseId: 1, serial: 1 }))
  await fs.change({ $case: 'written', value: { ino, size: chunkSize + 1, mtime: undefined, usage } })
  t.equal(fs.stat(ino).allocatedBytes, 60)
  const drop = () => fs.state.transaction(() => dropUntold(fs.state, ino))
  t.same(drop(), [], 'it is open')
  fs.state.transaction(() => fs.state.opens.remove(fs.session, ino))
  t.equal(drop().length, 3)
  t.same(
    fs.state.chunks.ofFile(ino, 0, 10).map(({ index }) => index),
    [0, 1],
  )
  t.equal(fs.stat(ino).allocatedBytes, 21)
  t.same(drop(), [], 'there are none')
  t.same(
    fs.state.transaction(() => dropUntold(fs.state, root)),
    [],
    'a directory has none',
  )
})
