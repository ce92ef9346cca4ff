import t from 'tap'
import type { Time } from '../../../src/wire/gen/common.js'
import { onEachStore, root } from '../harness/namespace.js'

onEachStore(t, 'the access time moves forward only, and nothing else moves', async (t, fs) => {
  const file = await fs.make(root, 'a')
  const accessed = (atime: Time | undefined) => fs.change({ $case: 'accessed', value: { ino: file.ino, atime } })
  const later = { seconds: file.atime?.seconds ?? 0, nanos: (file.atime?.nanos ?? 0) + 1 }
  await fs.tick()
  t.same((await accessed(later)).touched, [file.ino])
  t.same(fs.stat(file.ino), { ...file, atime: later })

  const { lastIndex } = fs.journal
  for (const atime of [later, file.atime, { seconds: later.seconds - 1, nanos: 999_999_999 }]) await accessed(atime)
  t.same(fs.stat(file.ino).atime, later)
  t.equal(fs.journal.lastIndex, lastIndex, 'nothing new, nothing journaled')
  await accessed(undefined)
  t.not(fs.stat(file.ino).atime?.seconds, later.seconds, 'the master’s clock')
})

onEachStore(t, 'a time that was set back moves forward again', async (t, fs) => {
  const { ino } = await fs.make(root, 'a')
  await fs.setAttributes(ino, { atime: { seconds: -10, nanos: 5 } })
  await fs.change({ $case: 'accessed', value: { ino, atime: { seconds: -9, nanos: 1 } } })
  t.same(fs.stat(ino).atime, { seconds: -9, nanos: 1 })
})

onEachStore(t, 'a file that is gone has none, and a time is one', async (t, fs) => {
  const accessed = (ino: number, nanos: number) =>
    fs.change({ $case: 'accessed', value: { ino, atime: { seconds: 2 ** 40, nanos } } })
  await t.rejects(accessed(999, 0), { code: 'NOT_FOUND' })
  await t.rejects(accessed(root, 1e9), { code: 'INVALID_ARGUMENT' })
})
