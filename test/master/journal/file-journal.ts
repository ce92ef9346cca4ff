import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { type JournalDisk, systemDisk } from '../../../src/master/journal/disk.js'
import { type FileJournalOptions, openFileJournal } from '../../../src/master/journal/file-journal.js'
import type { Journal } from '../../../src/master/journal/journal.js'
import type { ClusterId } from '../../../src/wire/ids.js'
import { journalSuite } from '../../suites/journal.js'

const clusterId = '01234567-89ab-4cde-8f01-23456789abcd' as ClusterId

function open(directory: string, options: Partial<FileJournalOptions> = {}): Journal {
  return openFileJournal({ directory, clusterId, log: silentLog, ...options })
}

function appendTexts(journal: Journal, ...texts: string[]): void {
  journal.append(texts.map(text => Buffer.from(text)))
}

function texts(journal: Journal, first = 1): string[] {
  return Array.from(journal.read(first), ({ payload }) => String(payload))
}

function segments(directory: string): string[] {
  return readdirSync(directory)
    .sort()
    .map(name => join(directory, name))
}

function lastSegment(directory: string): string {
  return segments(directory).at(-1) ?? ''
}

/** Flips one bit of the file. */
function damage(path: string, offset: number): void {
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset)
  writeFileSync(path, bytes)
}

/** Where the record with this payload begins. */
function recordOffset(path: string, text: string): number {
  return readFileSync(path).indexOf(text) - 24
}

journalSuite(t, t => open(t.testdir()))

t.test('what was appended is there after opening again', async t => {
  const directory = t.testdir()
  const first = open(directory)
  appendTexts(first, 'one', 'two')
  await first.close()

  const second = open(directory)
  t.teardown(() => second.close())
  t.equal(second.lastIndex, 2)
  appendTexts(second, 'three')
  t.same(texts(second), ['one', 'two', 'three'])
})

t.test('a torn end is cut, wherever it was torn', async t => {
  const source = t.testdir({ a: {}, b: {} })
  const journal = open(join(source, 'a'))
  appendTexts(journal, 'one')
  const whole = statSync(lastSegment(join(source, 'a'))).size
  appendTexts(journal, 'two', 'three')
  await journal.close()
  const bytes = readFileSync(lastSegment(join(source, 'a')))
  const two = recordOffset(lastSegment(join(source, 'a')), 'three')

  for (let length = whole; length < bytes.length; length++) {
    const directory = t.testdir()
    writeFileSync(join(directory, '0000000000000001.journal'), bytes.subarray(0, length))
    const torn = open(directory)
    t.same(texts(torn), length < two ? ['one'] : ['one', 'two'], `cut at ${length}`)
    appendTexts(torn, 'four')
    t.equal(texts(torn).at(-1), 'four')
    await torn.close()
  }
})

t.test('a torn end of garbage is cut and logged', async t => {
  const directory = t.testdir()
  const journal = open(directory)
  appendTexts(journal, 'one')
  await journal.close()
  appendFileSync(lastSegment(directory), Buffer.alloc(100, 0xff))

  const lines: unknown[] = []
  const log = { ...silentLog, warn: (line: unknown) => lines.push(line) } as unknown as typeof silentLog
  const again = open(directory, { log })
  t.teardown(() => again.close())
  t.same(texts(again), ['one'])
  t.match(lines, [{ bytes: 100, nextIndex: 2 }])
})

t.test('damage to what had been synced is CORRUPT, with its place', async t => {
  const directory = t.testdir()
  const journal = open(directory)
  appendTexts(journal, 'one', 'two')
  await journal.sync()
  appendTexts(journal, 'three')
  await journal.close()
  const path = lastSegment(directory)
  const offset = recordOffset(path, 'two')
  damage(path, offset + 24)
  const size = statSync(path).size

  t.throws(() => open(directory), { code: 'CORRUPT', message: new RegExp(`record 2 at byte ${offset} `) })
  t.equal(statSync(path).size, size, 'and nothing is cut')
})

t.test('damage to what was never synced, and is followed by what a crash left, is a torn end', async t => {
  const directory = t.testdir()
  const journal = open(directory)
  appendTexts(journal, 'one')
  await journal.sync()
  appendTexts(journal, 'two', 'three')
  await journal.close()
  damage(lastSegment(directory), recordOffset(lastSegment(directory), 'two') + 24)

  const again = open(directory)
  t.teardown(() => again.close())
  t.same(texts(again), ['one'])
})

t.test('a journal that ends before the state it belongs to is CORRUPT', async t => {
  const directory = t.testdir()
  const journal = open(directory)
  appendTexts(journal, 'one', 'two')
  await journal.close()
  truncateSync(lastSegment(directory), statSync(lastSegment(directory)).size - 1)

  t.throws(() => open(directory, { appliedIndex: 2 }), { code: 'CORRUPT' })
  const again = open(directory, { appliedIndex: 1 })
  t.teardown(() => again.close())
  t.equal(again.lastIndex, 1)
})

t.test('a large journal goes on in further segments', async t => {
  const directory = t.testdir()
  const small = { segmentSizeMax: 200 }
  const journal = open(directory, small)
  const all = Array.from({ length: 50 }, (_, n) => `record ${n}`)
  for (const text of all) appendTexts(journal, text)
  t.ok(segments(directory).length > 5)
  t.same(texts(journal), all)
  t.same(texts(journal, 31), all.slice(30))
  await journal.close()

  const again = open(directory, small)
  t.same(texts(again), all)
  await again.close()

  const [first = '', second = ''] = segments(directory)
  damage(second, 60)
  const damaged = open(directory, small)
  t.teardown(() => damaged.close())
  t.throws(() => texts(damaged), { code: 'CORRUPT' }, 'damage in an earlier segment is found when it is read')
  writeFileSync(first, '')
  t.throws(() => texts(damaged), { code: 'CORRUPT' })
})

t.test('a segment whose making was cut short is made again', async t => {
  const directory = t.testdir({ '0000000000000001.journal.new': 'LFS' })
  const journal = open(directory)
  t.teardown(() => journal.close())
  appendTexts(journal, 'one')
  t.same(segments(directory).length, 1)
})

t.test('a journal of another cluster, or of a newer format, is refused', async t => {
  const directory = t.testdir()
  await open(directory).close()
  t.throws(() => open(directory, { clusterId: clusterId.replace('0', '1') as ClusterId }), { code: 'WRONG_CLUSTER' })
  const bytes = readFileSync(lastSegment(directory))
  bytes.writeUInt32LE(99, 8)
  writeFileSync(lastSegment(directory), bytes)
  t.throws(() => open(directory), { code: 'NEWER_FORMAT' })
  damage(lastSegment(directory), 0)
  t.throws(() => open(directory), { code: 'CORRUPT' })
})

/** A disk of which single calls fail. */
function failingDisk(): { disk: JournalDisk; fail: Partial<JournalDisk> } {
  const fail: Partial<JournalDisk> = {}
  const disk: JournalDisk = {
    write: (...call) => (fail.write ?? systemDisk.write)(...call),
    truncate: (...call) => (fail.truncate ?? systemDisk.truncate)(...call),
    sync: (...call) => (fail.sync ?? systemDisk.sync)(...call),
  }
  return { disk, fail }
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}

t.test('a full disk leaves nothing half appended, and appending goes on when there is room', async t => {
  const directory = t.testdir()
  const { disk, fail } = failingDisk()
  const journal = open(directory, { disk })
  t.teardown(() => journal.close())
  appendTexts(journal, 'one')
  const { size } = statSync(lastSegment(directory))

  let calls = 0
  fail.write = (file, bytes, position) => {
    if (calls++ > 0) throw systemError('ENOSPC')
    return systemDisk.write(file, bytes.subarray(0, 10), position)
  }
  t.throws(() => appendTexts(journal, 'two', 'three'), { code: 'NO_SPACE' })
  t.equal(journal.lastIndex, 1)
  t.equal(statSync(lastSegment(directory)).size, size)

  delete fail.write
  appendTexts(journal, 'four')
  t.same(texts(journal), ['one', 'four'])
})

t.test('a journal that cannot be cut back takes no more', async t => {
  const { disk, fail } = failingDisk()
  const journal = open(t.testdir(), { disk })
  fail.write = () => {
    throw systemError('EIO')
  }
  fail.truncate = fail.write as never
  t.throws(() => appendTexts(journal, 'one'), { code: 'IO' })
  delete fail.write
  t.throws(() => appendTexts(journal, 'one'), { code: 'IO' })
  await t.rejects(journal.close(), { code: 'IO' })
})

t.test('after a failed fdatasync nothing more is taken', async t => {
  const { disk, fail } = failingDisk()
  const journal = open(t.testdir(), { disk })
  appendTexts(journal, 'one')
  fail.sync = () => Promise.reject(systemError('EIO'))
  const syncs = [journal.sync(), journal.sync()]
  for (const sync of syncs) await t.rejects(sync, { code: 'IO' })
  delete fail.sync
  t.throws(() => appendTexts(journal, 'two'), { code: 'IO' })
  await t.rejects(journal.sync(), { code: 'IO' })
  await t.rejects(journal.close(), { code: 'IO' })
})

t.test('syncs that wait share one fdatasync, and each covers what was appended before it', async t => {
  const { disk, fail } = failingDisk()
  const journal = open(t.testdir(), { disk })
  t.teardown(() => journal.close())
  let count = 0
  const releases: (() => void)[] = []
  fail.sync = async () => {
    count++
    await new Promise<void>(resolve => releases.push(resolve))
  }
  appendTexts(journal, 'one')
  const first = journal.sync()
  appendTexts(journal, 'two')
  const later = [journal.sync(), journal.sync(), journal.sync()]
  t.equal(count, 1)
  releases[0]?.()
  await first
  await new Promise(setImmediate)
  t.equal(count, 2, 'those that came later share the second')
  releases[1]?.()
  await Promise.all(later)
  await journal.sync()
  t.equal(count, 2, 'nothing new: no fdatasync')
})
