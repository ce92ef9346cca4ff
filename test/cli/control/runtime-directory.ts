import { chmodSync, mkdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  isPrivate,
  makeRuntimeDirectory,
  ownUid,
  runtimeDirectories,
} from '../../../src/cli/control/runtime-directory.js'

t.test('each user has directories of their own, with paths that a socket can have', async t => {
  t.same(runtimeDirectories(0)[0], '/run/leasefs')
  t.same(runtimeDirectories(4711), ['/run/user/4711/leasefs', '/tmp/leasefs-4711'])
})

t.test('the directory is made for its user alone, and one that is not is passed over', async t => {
  const base = t.testdir()
  const [first, second, link] = ['first', 'second', 'link'].map(name => join(base, name)) as [string, string, string]
  mkdirSync(first)
  chmodSync(first, 0o755)
  mkdirSync(join(base, 'private'), { mode: 0o700 })
  symlinkSync(join(base, 'private'), link)
  t.equal(makeRuntimeDirectory([join(base, 'none/x'), first, link, second]), second)
  t.equal(statSync(second).mode & 0o777, 0o700)
  t.equal(makeRuntimeDirectory([second]), second, 'and found again')
  t.notOk(isPrivate(second, ownUid() + 1))
  t.throws(() => makeRuntimeDirectory([first]), { code: 'IO' })
})
