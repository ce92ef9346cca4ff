import t from 'tap'
import type { Ino } from '../../../src/client/file-system.js'
import { LostFile } from '../../../src/fuse/operations/lost-file.js'

t.test('whatever is done with a lost file is an error, but for closing it', async t => {
  const file = new LostFile(10 as Ino)
  for (const use of ['read', 'write', 'flush', 'sync', 'zero', 'allocate', 'seek'] as const) {
    await t.rejects(file[use](), { code: 'IO' }, use)
  }
  await file.close()
})
