import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { cannotMount, leasefs, refuses, shell, startCluster, until } from './harness.js'

t.test('status and locate tell what is there', { skip: cannotMount }, async t => {
  const locations = ['/a/r1/h1', '/a/r2/h2', '/b/r1/h3', '/b/r1/h4']
  const cluster = await startCluster(t, { chunkservers: 4, locations })
  await shell(cluster.mountPoint, 'head -c 70000000 /dev/urandom > two-chunks; : > empty')

  const status = await cluster.status()
  t.match(status, { goal: 3, chunks: 2, chunksMissing: 0, clients: 1 })
  t.same(status.servers.map(server => server.location).sort(), locations)
  t.ok(status.servers.every(server => server.connected))
  t.match(await leasefs('status', '--master', cluster.masterAddress), /^SERVER +STATE +LOCATION/m)

  const located = await cluster.locate(join(cluster.mountPoint, 'two-chunks'))
  t.equal(located.size, 70_000_000)
  t.same(
    located.chunks.map(chunk => chunk.index),
    [0, 1],
  )
  const ids = status.servers.map(server => server.serverId)
  for (const { replicas, lease, version } of located.chunks) {
    t.equal(replicas.length, 3)
    t.equal(new Set(replicas.map(replica => replica.serverId)).size, 3, 'three servers')
    t.ok(replicas.every(replica => !replica.stale && replica.version === version && ids.includes(replica.serverId)))
    const servers = [lease?.primary, ...(lease?.secondaries ?? [])].sort()
    t.same(servers, replicas.map(replica => replica.serverId).sort(), 'the lease is for just these')
    t.ok((lease?.remainingMs ?? 0) > 0 && (lease?.remainingMs ?? 0) <= 60_000)
  }
  t.match(await leasefs('locate', join(cluster.mountPoint, 'two-chunks')), /primary/)
  t.match(await leasefs('locate', join(cluster.mountPoint, 'empty')), /0 bytes, goal 3, no chunks/)
  t.match(
    JSON.parse(await leasefs('locate', '--json', '--master', cluster.masterAddress, '/two-chunks')),
    { ino: located.ino, size: 70_000_000 },
    'also without a mount, by its path from the root',
  )
})

t.test('status shows a server that has gone, and what is below goal', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t)
  writeFileSync(join(cluster.mountPoint, 'file'), 'x')
  t.match(await cluster.status(), { chunks: 1, chunksBelowGoal: 0 })
  await cluster.chunkservers[0]?.kill()
  await until('the loss is known', async () => (await cluster.status()).chunksBelowGoal === 1)
  t.equal((await cluster.status()).servers.filter(server => server.connected).length, 2)
  await cluster.chunkservers[0]?.start()
  await until('it is back', async () => (await cluster.status()).servers.every(server => server.connected))
})

t.test('bad questions get one clear line', async t => {
  const cluster = await startCluster(t, { chunkservers: 0, mounts: 0 })
  const { masterAddress, directory } = cluster
  const cases: [args: string[], why: RegExp][] = [
    [['frobnicate'], /unknown command 'frobnicate'/],
    [['status', '--bogus'], /unknown option '--bogus'/],
    [['status', '--master', 'x'], /expected HOST:PORT/],
    [['status', '--master', '127.0.0.1:1'], /master 127\.0\.0\.1:1 is not reachable/],
    [['locate'], /missing required argument 'file'/],
    [['locate', join(directory, 'none')], /does not exist/],
    [['locate', directory], /is not on a mount of leasefs/],
    [['locate', '--master', masterAddress, '/none'], /./],
  ]
  for (const [args, why] of cases) await refuses(t, 'leasefs', args, why)
  t.match(await leasefs('status', '--master', masterAddress), /no chunkservers/)
})
