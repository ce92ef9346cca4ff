import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { openLmdbStore } from '../../../src/master/state/lmdb-store.js'
import type { StateStore } from '../../../src/master/state/state-store.js'
import { stateStoreSuite } from '../../suites/state-store.js'

const key = Buffer.from('key')

function open(directory: string, bootId = 'boot 1'): StateStore {
  return openLmdbStore(directory, bootId, silentLog)
}

function put(store: StateStore, text: string): void {
  store.transaction(() => store.table('meta').put(key, Buffer.from(text)))
}

function value(store: StateStore): string | undefined {
  return store.table('meta').get(key)?.toString()
}

stateStoreSuite(t, t => open(t.testdir()))

/** A directory as a process that died left it: the store is copied while it is open. */
async function crashed(from: string, to: string, text: string): Promise<void> {
  const store = open(from)
  put(store, text)
  cpSync(from, to, { recursive: true })
  await store.close()
}

t.test('a store that was closed is trusted after a reboot', async t => {
  const directory = t.testdir()
  const first = open(directory)
  put(first, 'here')
  await first.close()
  const second = open(directory, 'boot 2')
  t.equal(value(second), 'here')
  await second.close()
})

t.test('a store in use when the process died is trusted if the machine has run on', async t => {
  const directory = t.testdir({ a: {} })
  await crashed(join(directory, 'a'), join(directory, 'b'), 'here')
  const store = open(join(directory, 'b'))
  t.equal(value(store), 'here')
  await store.close()
})

t.test('a store in use when the machine stopped is made anew', async t => {
  const directory = t.testdir({ a: {} })
  await crashed(join(directory, 'a'), join(directory, 'b'), 'perhaps')
  const store = open(join(directory, 'b'), 'boot 2')
  t.equal(value(store), undefined)
  put(store, 'again')
  await store.close()
  const later = open(join(directory, 'b'), 'boot 3')
  t.equal(value(later), 'again')
  await later.close()
})

t.test('a store without its mark, or with half of one, is made anew', async t => {
  for (const mark of ['', '{"bootId":"boot 1","cl', '{}', '[]', 'null']) {
    const directory = t.testdir()
    const first = open(directory)
    put(first, 'here')
    await first.close()
    t.match(JSON.parse(readFileSync(join(directory, 'mark.json'), 'utf8')), { clean: true })
    writeFileSync(join(directory, 'mark.json'), mark)
    const second = open(directory)
    t.equal(value(second), undefined, `with the mark ${mark}`)
    t.ok(existsSync(join(directory, 'data.mdb')))
    await second.close()
  }
})

t.test('a directory that cannot be made is an IO error', async t => {
  const directory = t.testdir({ file: '' })
  t.throws(() => open(join(directory, 'file', 'state')), { code: 'IO' })
})
