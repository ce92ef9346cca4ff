import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { replaceFile } from '../../src/base/durable-file.js'

t.test('a file is replaced whole, and nothing is left beside it', async t => {
  const path = t.testdir({ file: 'a long old text' })
  await replaceFile(join(path, 'file'), 'new')
  t.equal(readFileSync(join(path, 'file'), 'utf8'), 'new')
  t.same(readdirSync(path), ['file'])
})

t.test('a new file is for its owner only', async t => {
  const path = t.testdir()
  await replaceFile(join(path, 'file'), 'x')
  t.equal(statSync(join(path, 'file')).mode & 0o777, 0o600)
})
