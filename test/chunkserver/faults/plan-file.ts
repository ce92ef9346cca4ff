import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { planFile } from '../../../src/chunkserver/faults/plan-file.js'

t.test('what the file says is so from the next call on', async t => {
  const file = join(t.testdir(), 'faults.json')
  const plan = planFile(file, silentLog)
  t.equal(plan().next('write').code, undefined, 'there is no file')
  writeFileSync(file, '{"write": {"code": "IO", "times": 1}}')
  t.equal(plan().next('write').code, 'IO')
  t.equal(plan().next('write').code, undefined, 'calls are counted as long as the file stays the same')
  writeFileSync(file, '{"write": {"co')
  t.equal(plan().next('read').code, undefined, 'half a file changes nothing')
  writeFileSync(file, '{"write": {"code": "NO_SPACE"}}')
  t.equal(plan().next('write').code, 'NO_SPACE')
  rmSync(file)
  t.equal(plan().next('write').code, undefined)
})

t.test('a server does not begin with a file that makes no sense', async t => {
  const file = join(t.testdir({ 'faults.json': '{"wrote": {}}' }), 'faults.json')
  t.throws(() => planFile(file, silentLog), { code: 'INVALID_ARGUMENT' })
})
