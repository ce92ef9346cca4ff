import t from 'tap'
import { sectors } from '../../../src/fuse/operations/attributes.js'
import { memoryOperations, root } from '../harness/memory-operations.js'

t.test('nothing to change changes nothing, not even the time of change', async t => {
  const { operations, clock } = memoryOperations()
  const before = await operations.attributes.get(root)
  await clock.advance(1000)
  t.same(await operations.attributes.set(root, {}), before)
  t.match(await operations.attributes.set(root, { uid: 5 }), { uid: 5, gid: before.gid })
})

t.test('the status is in blocks that a binding can count', async t => {
  const { attributes } = memoryOperations().operations
  t.match(await attributes.status(4096, 2 ** 32 - 1), { blockSize: 4096, blocks: 2 ** 28, blocksFree: 2 ** 27 })
  t.match(await attributes.status(4096, 1000), {
    blockSize: 2 ** 31,
    blocks: 512,
    blocksFree: 256,
    blocksAvailable: 256,
  })
  const { files, filesFree } = await attributes.status(4096, 1000)
  t.equal(files - filesFree, 1, 'one inode is in use: the root')
})

t.test('what is stored is counted in sectors of 512 bytes', async t => {
  t.same([0, 1, 512, 513].map(sectors), [0, 1, 1, 2])
})
