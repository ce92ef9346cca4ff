import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../../src/base/log.js'
import {
  discardUntrusted,
  type LmdbStateStore,
  openLmdbStore,
  readLmdbStore,
} from '../../../src/master/state/lmdb-store.js'
import type { StateStore } from '../../../src/master/state/state-store.js'
import { stateStoreSuite } from '../../suites/state-store.js'

const key = Buffer.from('key')

function open(directory: string, bootId = 'boot 1'): LmdbStateStore {
  return openLmdbStore(directory, bootId, discardUntrusted(directory, bootId, silentLog))
}

function put(store: StateStore, text: string): void {
  store.transaction(() => store.table('meta').put(key, Buffer.from(text)))
}

/** Within a transaction. */
function note(store: StateStore, text: string): void {
  store.table('meta').put(key, Buffer.from(text))
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

t.test('that a store was made again is known until it is settled', async t => {
  const directory = t.testdir()
  for (const expected of [true, true]) {
    const store = open(directory)
    t.equal(store.recordsLost, expected)
    await store.close()
  }
  const store = open(directory)
  store.settleRecords()
  t.equal(store.recordsLost, false)
  await store.close()
  const later = open(directory)
  t.equal(later.recordsLost, false)
  await later.close()
})

t.test('a store that is not to be trusted is made anew, whatever comes', async t => {
  const directory = t.testdir()
  const first = open(directory)
  put(first, 'perhaps')
  first.settleRecords()
  first.distrust()
  await first.close()
  const second = open(directory)
  t.equal(value(second), undefined)
  t.equal(second.recordsLost, true)
  await second.close()
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

t.test('a copy is the store of one moment, made while it is written', async t => {
  const directory = t.testdir()
  const store = open(join(directory, 'state'))
  const table = store.table('inodes')
  const count = () => Array.from(table.range({ from: Buffer.alloc(0) })).length
  const fill = (from: number) =>
    store.transaction(() => {
      for (let n = from; n < from + 1000; n++) table.put(Buffer.from(String(n)), Buffer.alloc(400, n))
      note(store, String(from + 1000))
    })
  for (let from = 0; from < 10_000; from += 1000) fill(from)
  mkdirSync(join(directory, 'copy'))
  let done = false
  const copied = store.copyTo(join(directory, 'copy')).then(() => {
    done = true
  })
  for (let from = 10_000; !done; from += 1000) {
    fill(from)
    await new Promise(setImmediate)
  }
  await copied
  const copy = readLmdbStore(join(directory, 'copy', 'data.mdb'))
  const inodes = Array.from(copy.table('inodes').range({ from: Buffer.alloc(0) })).length
  t.equal(inodes, Number(value(copy)), 'whole transactions only')
  t.ok(inodes >= 10_000 && inodes <= count())
  t.throws(() => put(copy, 'no'), 'it is for reading')
  t.ok(store.bytes > 10_000 * 400)
  await copy.close()
  await t.rejects(store.copyTo(join(directory, 'copy')), { code: 'IO' }, 'nothing is overwritten')
  await store.close()
})

t.test('what is not a store is not read as one', async t => {
  const directory = t.testdir({ text: 'text', none: '' })
  for (const file of ['text', 'none']) t.throws(() => readLmdbStore(join(directory, file)), { code: 'CORRUPT' }, file)
  t.throws(() => readLmdbStore(join(directory, 'nowhere')), { code: 'IO' })
})

t.test('a directory that cannot be made is an IO error', async t => {
  const directory = t.testdir({ file: '' })
  t.throws(() => open(join(directory, 'file', 'state')), { code: 'IO' })
})
