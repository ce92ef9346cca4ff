import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { mountUsers } from '../../src/fuse/mount-users.js'
import { cannotMount } from '../cluster/harness.js'
import { mounted } from './harness/mounted.js'

t.test('who works in a mount, and who has a file open, is found', { skip: cannotMount }, async t => {
  const { path } = await mounted(t)
  // This process serves the mount, so it must not wait for it: it changes directory by itself.
  const script = 'cd "$1"; echo x > f; exec 3< f; echo ready; read line'
  const child = spawn('sh', ['-c', script, 'sh', path], { cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] })
  const gone = once(child, 'close')
  await once(child.stdout, 'data')
  const users = (await mountUsers(path)).filter(({ pid }) => pid === child.pid)
  const { ino } = await stat(join(path, 'f'))
  t.match(users, [
    { how: 'working directory', path },
    { how: 'open file', path: join(path, 'f'), ino },
  ])
  t.same(
    (await mountUsers(dirname(path))).filter(({ pid }) => pid === child.pid),
    [],
    'not of the mount below',
  )
  child.stdin.end()
  await gone
  t.same(
    (await mountUsers(path)).filter(({ pid }) => pid === child.pid),
    [],
  )
})
