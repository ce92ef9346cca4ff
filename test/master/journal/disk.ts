import { AssertionError } from 'node:assert/strict'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LeasefsError } from '../../../src/base/errors.js'
import { diskError, guarded, syncDirectory, systemDisk } from '../../../src/master/journal/disk.js'

t.test('what the system says becomes NO_SPACE or IO', async t => {
  const system = (code: string) => Object.assign(new Error(code), { code })
  t.equal(diskError(system('ENOSPC')).code, 'NO_SPACE')
  t.equal(diskError(system('EDQUOT')).code, 'NO_SPACE')
  t.equal(diskError(system('EIO')).code, 'IO')
  t.equal(diskError('?').code, 'IO')
  const ours = new LeasefsError('CORRUPT', 'x')
  t.equal(diskError(ours), ours)
  t.throws(() => diskError(new AssertionError({ message: 'a bug' })), { code: 'ERR_ASSERTION' })
  t.equal(
    guarded(() => 5),
    5,
  )
  t.throws(() => guarded(() => openSync('/none/such', 'r')), { code: 'IO' })
})

t.test('the system’s disk writes where it is told, cuts and syncs', async t => {
  const directory = t.testdir({ file: 'abc' })
  const path = join(directory, 'file')
  const file = openSync(path, 'r+')
  t.teardown(() => closeSync(file))
  t.equal(systemDisk.write(file, Buffer.from('xyz'), 2), 3)
  t.equal(readFileSync(path, 'utf8'), 'abxyz')
  systemDisk.truncate(file, 3)
  t.equal(readFileSync(path, 'utf8'), 'abx')
  await systemDisk.sync(file)
  await t.rejects(systemDisk.sync(9999), { code: 'EBADF' })
  t.doesNotThrow(() => syncDirectory(directory))
})
