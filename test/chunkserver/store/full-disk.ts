// A disk that is really full: a small tmpfs, which only root may mount.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { SystemClock } from '../../../src/base/clock.js'
import { silentLog } from '../../../src/base/log.js'
import { MiB } from '../../../src/base/units.js'
import { DiskStore } from '../../../src/chunkserver/store/disk-store.js'
import type { ChunkHandle } from '../../../src/wire/ids.js'

const [a, b] = [1 as ChunkHandle, 2 as ChunkHandle]

function mounted(directory: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', directory], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

t.test('a full disk refuses what does not fit, and damages nothing', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'leasefs-full-disk-'))
  t.teardown(() => rmdirSync(directory))
  if (!mounted(directory)) {
    t.comment('not allowed to mount a tmpfs')
    return
  }
  t.teardown(() => execFileSync('umount', ['-l', directory]))
  const store = await DiskStore.open({ directory, clock: new SystemClock(), log: silentLog })
  t.teardown(() => store.close())
  await store.create(a, 1)
  await store.write(a, 0, [Buffer.alloc(MiB, 1)])
  await t.rejects(store.write(a, MiB / 2 + 100, [Buffer.alloc(2 * MiB, 2)]), { code: 'NO_SPACE' })
  const length = store.stat(a)?.length ?? 0
  t.ok(length >= MiB)
  for (let offset = 0; offset < length; offset += MiB) await store.read(a, offset, MiB)
  t.pass('what was written of it verifies')
  t.equal((await store.read(a, MiB / 2, 100)).buffers[0]?.[99], 1)

  await store.write(a, 0, [Buffer.alloc(100, 3)])
  await t.rejects(store.create(b, 1), { code: 'NO_SPACE' })
  await store.truncate(a, 1000)
  await store.create(b, 1)
  t.equal(store.stat(b)?.length, 0, 'nothing was left behind')
  t.equal((await store.read(a, 0, 1000)).buffers[0]?.[99], 3)
})
