import t from 'tap'
import { clusterPath, filesAt, lastOfEach, listAll, numberOf, pathText } from '../../src/cli/trash-paths.js'
import type { TrashedFile, TrashListRequest } from '../../src/wire/gen/admin.js'

const master = { host: 'h', port: 1 }
const file = (ino: number, path: string) => ({ ino, path: Buffer.from(path) }) as TrashedFile
const pages = [[file(1, '/d/a'), file(2, '/d/b')], [], [file(3, '/d/a')]]

const ask = async ({ after }: TrashListRequest) => {
  const page = after?.ino ?? 0
  return { files: pages[page] ?? [], next: page < 2 ? { deletedMs: 0, ino: page + 1 } : undefined }
}

t.test('files are named by number, as it is listed and as it stands below .trash', async t => {
  t.equal(numberOf('123'), 123)
  t.equal(numberOf('.trash/1000/5-a b'), 5)
  t.equal(numberOf('/mnt/.trash/0/77-x'), 77)
  for (const path of ['123a', './123', 'a/5-b', '.trash/5-b', '.trash/0/5-b/c', '']) t.equal(numberOf(path), undefined)
})

t.test('a path is one from the root, unless it is on a mount', async t => {
  const of = async (text: string) => String((await clusterPath(text, { master, data: '' })).path)
  t.same([await of('/a/b'), await of('a/../b/'), await of('/')], ['/a/b', '/b', '/'])
  t.match(await clusterPath('/no/such', { data: t.testdirName }), { path: Buffer.from('/no/such') })
})

t.test('pages without files are passed over', async t => {
  const found = []
  for await (const page of listAll(ask, Buffer.alloc(0))) found.push(page.map(({ ino }) => ino))
  t.same(found, [[1, 2], [3]])
})

t.test('a path names the files that had it, or all below it', async t => {
  const inos = (files: readonly TrashedFile[]) => files.map(({ ino }) => ino)
  const of = (path: string, below = false) => filesAt(ask, Buffer.from(path), below)
  t.same(inos(await of('/d/a')), [1, 3])
  t.same(inos(lastOfEach(await of('/d/a'))), [3])
  t.same(inos(lastOfEach(await of('/d', true))), [3, 2])
  await t.rejects(of('/d'), { code: 'NOT_FOUND', message: /no deleted file \/d, but 3 below it/ })
})

t.test('a path whose beginning is not known is shown so', async t => {
  t.same([pathText(Buffer.from('/a')), pathText(Buffer.from('b/a'))], ['/a', '…/b/a'])
})
