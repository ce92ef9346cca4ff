// Two mounts of one cluster, each with the caches of a kernel before it: what
// the one changes is taken out of the cache of the other before the change is
// answered. Everything is asked for before, so that there is something to take back.

import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import {
  appendFile,
  chmod,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rmdir,
  stat,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { cannotMount, startCluster } from './harness.js'

const rounds = 20

t.test('what one mount changes is not served from the cache of the other', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { mounts: 2 })
  const [one = '', two = ''] = cluster.mountPoints
  /** Each in turn changes, and the other looks. */
  const inTurns = (check: (changer: string, looker: string, round: number) => Promise<void>) => async () => {
    for (let round = 0; round < rounds; round++) await (round % 2 ? check(two, one, round) : check(one, two, round))
  }

  await t.test('a name that is not there is made', async t => {
    await inTurns(async (changer, looker, round) => {
      const name = `made-${round}`
      for (let i = 0; i < 3; i++) t.notOk(existsSync(join(looker, name)))
      if (round % 4 < 2) await writeFile(join(changer, name), 'x')
      else await mkdir(join(changer, name))
      t.ok(existsSync(join(looker, name)), name)
    })()
    t.same(readdirSync(one).sort(), readdirSync(two).sort())
  })

  await t.test('a name that is there is removed', async t => {
    await inTurns(async (changer, looker, round) => {
      const name = `removed-${round}`
      await writeFile(join(changer, name), 'x')
      t.equal(statSync(join(looker, name)).size, 1)
      t.equal(readFileSync(join(looker, name), 'utf8'), 'x')
      await unlink(join(changer, name))
      t.notOk(existsSync(join(looker, name)), name)
      await mkdir(join(looker, name))
      t.ok(statSync(join(changer, name)).isDirectory())
      await rmdir(join(changer, name))
      t.throws(() => readdirSync(join(looker, name)), { code: 'ENOENT' })
    })()
  })

  await t.test('bytes of a file that has been read', async t => {
    await writeFile(join(one, 'pages'), Buffer.alloc(200_000))
    await inTurns(async (changer, looker, round) => {
      t.equal(readFileSync(join(looker, 'pages')).length, 200_000)
      const file = await open(join(changer, 'pages'), 'r+')
      await file.write(Buffer.from([round + 1]), 0, 1, 100_000)
      await file.close()
      t.equal(readFileSync(join(looker, 'pages'))[100_000], round + 1)
    })()
  })

  await t.test('bytes of a file that is open', async t => {
    await writeFile(join(one, 'open'), 'before')
    const reader = await open(join(two, 'open'), 'r')
    const buffer = Buffer.alloc(6)
    for (const text of ['before', 'behind', 'beyond']) {
      await writeFile(join(one, 'open'), text)
      await reader.read(buffer, 0, 6, 0)
      t.equal(String(buffer), text)
    }
    await reader.close()
  })

  await t.test('attributes', async t => {
    await writeFile(join(one, 'attributes'), '')
    await inTurns(async (changer, looker, round) => {
      const [from, to] = [join(changer, 'attributes'), join(looker, 'attributes')]
      statSync(to)
      await chmod(from, 0o600 + round)
      t.equal(statSync(to).mode & 0o777, 0o600 + round)
      await utimes(from, 1000, 2000 + round)
      t.equal(statSync(to).mtimeMs, (2000 + round) * 1000)
      await appendFile(from, 'abc')
      t.equal(statSync(to).size, 3 * (round + 1))
      await truncate(from, 2 * (round + 1))
      t.equal(statSync(to).size, 2 * (round + 1))
      await truncate(from, 3 * (round + 1))
      t.equal(statSync(to).nlink, 1)
    })()
  })

  await t.test('names that are moved, and what they stand for', async t => {
    await mkdir(join(one, 'from'))
    await mkdir(join(one, 'to'))
    await inTurns(async (changer, looker, round) => {
      await writeFile(join(changer, 'from/a'), `${round}`)
      await writeFile(join(changer, 'to/b'), 'replaced')
      t.equal(readFileSync(join(looker, 'to/b'), 'utf8'), 'replaced')
      t.equal(readFileSync(join(looker, 'from/a'), 'utf8'), `${round}`)
      await rename(join(changer, 'from/a'), join(changer, 'to/b'))
      t.equal(readFileSync(join(looker, 'to/b'), 'utf8'), `${round}`)
      t.notOk(existsSync(join(looker, 'from/a')))
      t.same(readdirSync(join(looker, 'from')), [])
      t.same(readdirSync(join(looker, 'to')), ['b'])
    })()
  })

  await t.test('a directory that is moved, with someone in it', async t => {
    await mkdir(join(one, 'old/deep'), { recursive: true })
    await writeFile(join(one, 'old/deep/file'), 'text')
    t.equal(readFileSync(join(two, 'old/deep/file'), 'utf8'), 'text')
    await rename(join(one, 'old'), join(one, 'new'))
    t.throws(() => statSync(join(two, 'old/deep/file')), { code: 'ENOENT' })
    t.equal(readFileSync(join(two, 'new/deep/file'), 'utf8'), 'text')
  })

  await t.test('symbolic links', async t => {
    await inTurns(async (changer, looker, round) => {
      const name = join(looker, 'link')
      if (round > 0) t.equal(readlinkSync(name), `target-${round - 1}`)
      if (round > 0) await unlink(join(changer, 'link'))
      t.throws(() => lstatSync(name), { code: 'ENOENT' })
      await symlink(`target-${round}`, join(changer, 'link'))
      t.equal(readlinkSync(name), `target-${round}`)
    })()
  })
})

t.test('two mounts at work in one directory do not wait for each other', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { mounts: 2 })
  const count = 300
  mkdirSync(join(cluster.mountPoint, 'shared'))
  const begun = performance.now()
  await Promise.all(
    cluster.mountPoints.map(async (mountPoint, i) => {
      for (let n = 0; n < count; n++) {
        const path = join(mountPoint, 'shared', `${i}-${n}`)
        await writeFile(path, `${n}`)
        await stat(path)
      }
    }),
  )
  const seconds = (performance.now() - begun) / 1000
  t.comment(`${count} files from each in ${seconds.toFixed(1)} s`)
  t.ok(seconds < 60, 'long before each had to wait for the other every time')
  for (const mountPoint of cluster.mountPoints) {
    t.equal((await readdir(join(mountPoint, 'shared'))).length, 2 * count)
    t.equal(await readFile(join(mountPoint, 'shared/0-299'), 'utf8'), '299')
    t.equal(await readFile(join(mountPoint, 'shared/1-299'), 'utf8'), '299')
  }
})
