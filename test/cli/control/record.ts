import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { controlFiles, findRecords, removeRecord, writeRecord } from '../../../src/cli/control/record.js'
import { ownUid } from '../../../src/cli/control/runtime-directory.js'

const process = { pid: 1234, startTime: 99 }
const record = { mountPoint: '/mnt/a', device: '0:52', source: 'leasefs@h:1', daemon: process, client: process }

t.test('a record is found by the user whose directory it is in, until it is removed', async t => {
  const directory = join(t.testdir(), 'private')
  mkdirSync(directory, { mode: 0o700 })
  await writeRecord(directory, record)
  const [found] = findRecords(ownUid(), [directory])
  t.same(found, { ...record, ...controlFiles(directory, '0:52'), uid: ownUid() })
  t.same(findRecords(ownUid() + 1, [directory]), [], 'another user can not have written it')
  if (found) removeRecord(found)
  t.same(findRecords(ownUid(), [directory]), [])
})

t.test('what is no record is passed over', async t => {
  const directory = join(t.testdir(), 'private')
  mkdirSync(directory, { mode: 0o700 })
  const texts = ['', '{', 'null', '{}', JSON.stringify({ ...record, device: '0:53' })]
  const pids = [0, 1, -1, 1.5, 'x', null].map(pid => JSON.stringify({ ...record, daemon: { ...process, pid } }))
  for (const text of [...texts, ...pids]) {
    writeFileSync(join(directory, '0-52.json'), text)
    t.same(findRecords(ownUid(), [directory]), [], text)
  }
})
