import t from 'tap'
import { JsonList, purgeAll, TextList } from '../../src/cli/trash.js'
import { purgedAtOnceMax } from '../../src/master/ops/purge.js'
import type { TrashedFile, TrashPurgeRequest } from '../../src/wire/gen/admin.js'

const time = { seconds: 1_700_000_000, nanos: 5e6 }

function file(ino: number, path: string): TrashedFile {
  const mine = { uid: 10, gid: 20, deletedBy: 7, mode: 0o644, size: 2048, allocatedBytes: 100 }
  const names = { path: Buffer.from(path), trashPath: Buffer.from(`10/${ino}-f`) }
  return { ino, ...mine, ...names, deletedAt: time, mtime: time }
}

t.test('files are a table for people', async t => {
  let text = ''
  const list = new TextList(more => {
    text += more
  })
  list.page([file(5, '/a/f')])
  list.page([file(1234, 'd/f')])
  list.end()
  t.same(text.split('\n'), [
    'ID  DELETED               SIZE     OWNER  PATH',
    ' 5  2023-11-14T22:13:20Z  2.0 KiB     10  /a/f',
    '1234  2023-11-14T22:13:20Z  2.0 KiB     10  …/d/f',
    '',
  ])
  text = ''
  new TextList(more => {
    text += more
  }).end()
  t.equal(text, 'the trash is empty\n')
})

t.test('files are an array for programs', async t => {
  for (const count of [0, 1, 3]) {
    let text = ''
    const list = new JsonList(more => {
      text += more
    })
    for (let i = 0; i < count; i++) list.page([file(i, '/f')])
    list.end()
    const parsed = JSON.parse(text)
    t.equal(parsed.length, count)
    const first = { id: 0, path: '/f', deletedAt: '2023-11-14T22:13:20.005Z', trashPath: '.trash/10/0-f', size: 2048 }
    if (count > 0) t.match(parsed[0], { ...first, deletedBy: 7 })
  }
})

t.test('purging asks as often as it takes', async t => {
  const asked: TrashPurgeRequest[] = []
  const ask = async (request: TrashPurgeRequest) => {
    asked.push(request)
    return { files: 2, bytes: 10, more: request.all && asked.length < 3 }
  }
  t.same(await purgeAll({ inos: [], all: true, olderThanMs: 5, lost: false }, ask), {
    files: 6,
    bytes: 30,
    more: false,
  })
  t.same(asked[2], { inos: [], all: true, olderThanMs: 5, lost: false })
  asked.length = 0
  const inos = Array.from({ length: purgedAtOnceMax + 1 }, (_, i) => i)
  await purgeAll({ inos, all: false, olderThanMs: 0, lost: false }, ask)
  t.same(
    asked.map(request => request.inos.length),
    [purgedAtOnceMax, 1],
  )
})
