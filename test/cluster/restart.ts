import { join } from 'node:path'
import t from 'tap'
import { cannotMount, shell, startCluster, until } from './harness.js'
import { makeTree, pictureOf } from './tree.js'

t.test('a cluster of which all or a part ends and comes back', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t)

  await t.test('stopped and started again, everything is as it was', async t => {
    await makeTree(cluster.mountPoint, 'tree')
    const before = await pictureOf(cluster.mountPoint)
    t.ok(Object.keys(before).length > 12)

    await cluster.stop()
    await cluster.start()
    t.strictSame(await pictureOf(cluster.mountPoint), before)

    await shell(cluster.mountPoint, 'printf more >> tree/middle; rm -r tree/deep; mkdir tree/new')
    const changed = await pictureOf(cluster.mountPoint)
    await cluster.stop()
    await cluster.start()
    t.strictSame(await pictureOf(cluster.mountPoint), changed)
  })

  await t.test('a master killed between two batches loses nothing it had answered', async t => {
    const { mountPoint, master } = cluster
    await makeTree(mountPoint, 'first')
    const first = await pictureOf(join(mountPoint, 'first'))

    await master.kill()
    const second = makeTree(mountPoint, 'second') // Waits until the master is back.
    await master.start()
    await second
    t.strictSame(await pictureOf(join(mountPoint, 'first')), first)

    const both = await pictureOf(mountPoint)
    await master.kill()
    await master.start()
    await cluster.mounts[0]?.restart()
    t.strictSame(await pictureOf(mountPoint), both, 'also to a mount that remembers nothing')
  })

  await t.test('all chunkservers killed at once lose nothing that was fsynced', async t => {
    const { mountPoint, chunkservers } = cluster
    await makeTree(mountPoint, 'third')
    await shell(
      mountPoint,
      'dd if=/dev/urandom of=synced bs=1M count=9 conv=fsync 2>/dev/null; sync -f third; sync third/* || sync',
    )
    const before = await pictureOf(mountPoint)

    await Promise.all(chunkservers.map(server => server.kill()))
    await Promise.all(chunkservers.map(server => server.start()))
    await cluster.mounts[0]?.restart()
    t.strictSame(await pictureOf(mountPoint), before)

    await shell(
      mountPoint,
      'printf more >> synced; dd if=/dev/zero of=third/large bs=1M seek=60 count=2 conv=notrunc 2>/dev/null',
    )
    t.not((await pictureOf(mountPoint)).synced?.content, before.synced?.content, 'and can be written again')
    await until('all chunks are at their goal', async () => (await cluster.status()).chunksBelowGoal === 0)
  })
})
