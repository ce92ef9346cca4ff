// The parts of the check of a data directory, together.

import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { checkDirectory, readerDied } from '../../../../src/master/check/directory/check-directory.js'
import { checkStore } from '../../../../src/master/check/directory/check-store.js'
import { type DirectoryFinding, type DirectoryStep, isFinding } from '../../../../src/master/check/directory/step.js'
import { openLmdbStore } from '../../../../src/master/state/lmdb-store.js'
import { clusterId } from '../../harness/client.js'
import { flip, makeDataDirectory } from '../../harness/data-directory.js'

const bootId = 'boot'
const segment = (first: number) => `journal/00000000000000${first}.journal`
const snapshot = (index: number) => `snapshots/00000000000000${index}.snapshot`

async function findingsIn(directory: string, scratch: string): Promise<DirectoryFinding[]> {
  const store = (check: Parameters<typeof checkStore>[0]): AsyncIterable<DirectoryStep> => checkStore(check, scratch)
  const findings: DirectoryFinding[] = []
  for await (const step of checkDirectory({ directory, clusterId, bootId, store })) {
    if (isFinding(step)) findings.push(step)
    else if (step.share < 0 || step.share > 1) throw new Error(`a share of ${step.share}`)
  }
  return findings
}

/** Damages a copy of a whole directory, and says what is found then; nothing is changed by that. */
async function findings(t: Test, damage: (directory: string) => void | Promise<void>): Promise<string[]> {
  const base = t.testdir({ scratch: {} })
  const directory = join(base, 'data')
  cpSync(whole, directory, { recursive: true })
  await damage(directory)
  const before = readdirSync(directory, { recursive: true })
  const found = await findingsIn(directory, join(base, 'scratch'))
  t.same(readdirSync(directory, { recursive: true }), before)
  return found.map(({ where, text, harmless }) => `${harmless ? '' : '! '}${where.slice(directory.length)} ${text}`)
}

let whole = ''

t.before(async () => {
  whole = join(t.testdir(), 'whole')
  await makeDataDirectory(whole)
})

t.test('a directory that is whole has no findings', async t => {
  t.same(await findings(t, () => {}), [])
})

t.test('what a crash leaves is worth knowing, and not wrong', async t => {
  const torn = await findings(t, directory => appendFileSync(join(directory, segment(23)), 'torn'))
  t.same(torn, [`/${segment(23)} the last 4 bytes were torn by a crash: they are cut at the next start`])
  const noState = await findings(t, directory => rmSync(join(directory, 'state'), { recursive: true }))
  t.match(noState, [/there is no state that can be trusted/])
  const otherBoot = JSON.stringify({ bootId: 'before', clean: false })
  const mark = (directory: string) => writeFileSync(join(directory, 'state/mark.json'), otherBoot)
  t.match(await findings(t, mark), [/the machine stopped while it was in use/])
})

t.test('damage and gaps are said with their place', async t => {
  const both = await findings(t, directory => {
    flip(join(directory, snapshot(22)), 5000)
    flip(join(directory, segment(13)), 48 + 30)
  })
  t.match(both, [
    `! /${segment(13)} record 13 at byte 48 is damaged`,
    /^! .*22.snapshot bytes 0 to \d+ are damaged$/,
    `! /${snapshot(12)} records 13 to 22 after it are missing`,
    '!  if the state were lost it could not be made again',
  ])
  const gone = await findings(t, directory => rmSync(join(directory, segment(13))))
  t.same(gone, [`! /${snapshot(12)} records 13 to 22 after it are missing`])
  const short = await findings(t, directory => rmSync(join(directory, segment(23))))
  t.match(short, [/ the state is at record 32, and the journal ends with record 22/])
  const none = await findings(t, directory => rmSync(join(directory, 'journal'), { recursive: true }))
  t.match(none[0], /! \/journal there is no journal/)
  const newest = await findings(t, directory => {
    writeFileSync(join(directory, segment(23)), readFileSync(join(directory, segment(23))).subarray(0, 40))
  })
  t.match(newest[0], /! .*23.journal is not a journal segment/)
})

t.test('a state that is not what the journal makes of it is found, and one that cannot be read', async t => {
  const other = await findings(t, async directory => {
    const store = openLmdbStore(join(directory, 'state'), bootId)
    store.transaction(() => store.table('servers').put(Buffer.from('s'), Buffer.alloc(0)))
    await store.close()
  })
  t.same(other, ['! /state/data.mdb row 73 of the table "servers" is not what the journal makes of it'])
  const empty = await findings(t, directory => writeFileSync(join(directory, 'state/data.mdb'), 'no state'))
  t.same(empty, ['! /state/data.mdb is not a state: it does not begin as one'])
  t.match(readerDied('/x', 'SIGSEGV'), { where: '/x', text: /cannot be read \(SIGSEGV\)/, harmless: false })
})
