import t from 'tap'
import { deferred } from '../../../src/base/deferred.js'
import { OpenFiles } from '../../../src/chunkserver/store/open-files.js'
import type { ReplicaFile } from '../../../src/chunkserver/store/replica-file.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'

const handles = Array.from({ length: 5 }, (_, index) => (index + 1) as ChunkHandle)
const [a, b, c] = handles as [ChunkHandle, ChunkHandle, ChunkHandle]

/** Files that note when they are opened and closed. */
function noting(openMax: number) {
  const events: string[] = []
  let openable = true
  const open = async (handle: ChunkHandle) => {
    if (!openable) throw new Error('EIO')
    events.push(`open ${handle}`)
    return { close: async () => void events.push(`close ${handle}`) } as unknown as ReplicaFile
  }
  const files = new OpenFiles(openMax, open, () => events.push('failed'))
  const fail = (yes: boolean) => {
    openable = !yes
  }
  return { files, events, fail }
}

t.test('a file is opened once, and closed when others have been used since', async t => {
  const { files, events } = noting(2)
  await Promise.all([files.use(a, async () => {}), files.use(a, async () => {})])
  await files.use(b, async () => {})
  await files.use(a, async () => {})
  await files.use(c, async () => {})
  await new Promise(resolve => setImmediate(resolve))
  t.same(events, ['open 1', 'open 2', 'open 3', 'close 2'])
  t.equal(files.size, 2)
})

t.test('a file in use stays open, however many there are', async t => {
  const { files, events } = noting(1)
  const gate = deferred<void>()
  const uses = handles.map(handle => files.use(handle, () => gate.promise))
  await new Promise(resolve => setImmediate(resolve))
  t.equal(files.size, 5)
  gate.resolve()
  await Promise.all(uses)
  await new Promise(resolve => setImmediate(resolve))
  t.equal(files.size, 1)
  t.equal(events.filter(event => event.startsWith('close')).length, 4)
})

t.test('closing waits for those who use the file, and opening for the closing', async t => {
  const { files, events } = noting(9)
  const gate = deferred<void>()
  const use = files.use(a, () => gate.promise)
  const closed = files.close(a)
  const next = files.use(a, async () => void events.push('used again'))
  await new Promise(resolve => setImmediate(resolve))
  t.same(events, ['open 1'])
  gate.resolve()
  await Promise.all([use, closed, next])
  t.same(events, ['open 1', 'close 1', 'open 1', 'used again'])
  await files.closeAll()
  t.equal(files.size, 0)
})

t.test('a file that cannot be opened is tried again by the next', async t => {
  const { files, fail } = noting(9)
  fail(true)
  await t.rejects(
    files.use(a, async () => {}),
    { message: 'EIO' },
  )
  fail(false)
  t.equal(await files.use(a, async () => 'used'), 'used')
})
