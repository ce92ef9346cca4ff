import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openDataDirectory } from '../../src/base/data-directory.js'

const options = { formatVersion: 3 }

t.test('a missing directory is made, with its parents, for its owner only', async t => {
  const path = join(t.testdir(), 'a/b')
  const directory = await openDataDirectory(path, 'master', options)
  t.equal(statSync(path).mode & 0o777, 0o700)
  t.equal(directory.path, path)
  t.same(directory.identity, { kind: 'master', formatVersion: 3 })
  await directory.close()
})

t.test('the identity is kept', async t => {
  const path = t.testdir()
  const first = await openDataDirectory(path, 'chunkserver', options)
  await first.update({ serverId: 's1' })
  await first.update({ clusterId: 'c1' })
  await first.close()
  await first.close()

  const second = await openDataDirectory(path, 'chunkserver', { formatVersion: 4 })
  t.same(second.identity, { kind: 'chunkserver', formatVersion: 3, serverId: 's1', clusterId: 'c1' })
  t.notOk(existsSync(join(path, 'identity.json.tmp')))
  await second.close()
})

t.test('a directory in use is refused, and not after it is closed', async t => {
  const path = t.testdir()
  const directory = await openDataDirectory(path, 'master', options)
  await t.rejects(openDataDirectory(path, 'master', options), {
    code: 'LOCKED',
    message: `${path} is in use by another process`,
  })
  await directory.close()
  await (await openDataDirectory(path, 'master', options)).close()
})

t.test('a refused directory is not left locked', async t => {
  const path = t.testdir()
  await (await openDataDirectory(path, 'master', options)).close()
  await t.rejects(openDataDirectory(path, 'chunkserver', options), { code: 'INVALID_ARGUMENT' })
  await t.rejects(openDataDirectory(path, 'master', { formatVersion: 2 }), { code: 'NEWER_FORMAT' })
  await (await openDataDirectory(path, 'master', options)).close()
})

t.test('a newer format is named as such even if the rest of its mark is unknown', async t => {
  const path = t.testdir({ 'identity.json': '{"formatVersion": 9, "kind": "observer"}' })
  await t.rejects(openDataDirectory(path, 'master', options), { code: 'NEWER_FORMAT' })
})

t.test('a damaged identity is told, and stays as it is', async t => {
  for (const text of ['', '{', 'null', '7', '{"kind":"master"}', '{"kind":"master","formatVersion":1,"clusterId":7}']) {
    const path = t.testdir({ 'identity.json': text })
    await t.rejects(openDataDirectory(path, 'master', options), { code: 'CORRUPT' }, JSON.stringify(text))
    t.equal(readFileSync(join(path, 'identity.json'), 'utf8'), text)
  }
})

t.test('a directory with files that are not ours is refused and left alone', async t => {
  const path = t.testdir({ 'letter.txt': 'dear' })
  await t.rejects(openDataDirectory(path, 'master', options), { code: 'INVALID_ARGUMENT' })
  t.notOk(existsSync(join(path, 'lock')))
})

t.test('a fresh file system, with its lost+found, is taken', async t => {
  const path = t.testdir({ 'lost+found': {} })
  await (await openDataDirectory(path, 'master', options)).close()
})

t.test('a file in place of the directory is told', async t => {
  const path = join(t.testdir({ file: '' }), 'file')
  await t.rejects(openDataDirectory(path, 'master', options), { code: 'NOT_A_DIRECTORY' })
  await t.rejects(openDataDirectory(join(path, 'below'), 'master', options), { code: 'NOT_A_DIRECTORY' })
})

t.test('a directory one may not write is told', { skip: process.getuid?.() === 0 && 'root may write all' }, async t => {
  const path = t.testdir()
  chmodSync(path, 0o500)
  t.teardown(() => chmodSync(path, 0o700))
  await t.rejects(openDataDirectory(path, 'master', options), { code: 'PERMISSION_DENIED' })
})

t.test('what a crash left half-written does not matter', async t => {
  const path = t.testdir({ 'identity.json.tmp': '{"ki' })
  mkdirSync(join(path, 'lock'))
  writeFileSync(join(path, 'lock', 'not-a-socket'), '')
  await (await openDataDirectory(path, 'master', options)).close()
})

t.test('what a chunkserver has seen of its master is kept', async t => {
  const path = t.testdir()
  const first = await openDataDirectory(path, 'chunkserver', options)
  const masterSeen = { epoch: 1, id: 'one', index: 3 }
  await first.update({ masterSeen })
  await first.close()
  const second = await openDataDirectory(path, 'chunkserver', options)
  t.same(second.identity.masterSeen, masterSeen)
  await second.close()
  for (const damaged of [5, {}, { ...masterSeen, index: '3' }]) {
    const identity = { kind: 'chunkserver', formatVersion: 3, masterSeen: damaged }
    writeFileSync(join(path, 'identity.json'), JSON.stringify(identity))
    await t.rejects(openDataDirectory(path, 'chunkserver', options), { code: 'CORRUPT' })
  }
})
