import t from 'tap'
import { pathsOf } from '../../../src/master/fsck/paths.js'
import { soundState } from '../harness/damage.js'

const slices = { row: () => undefined }

t.test('files are found by number, also in the trash', async t => {
  const { fs, file, file2, sub, trashed } = await soundState()
  const paths = await pathsOf(fs.store, new Set([1, file, file2, sub, trashed, 999]), slices)
  const texts = new Map(Array.from(paths, ([ino, path]) => [ino, String(path)]))
  t.equal(texts.get(file), '/dir/file')
  t.ok(['/file2', '/dir/again'].includes(texts.get(file2) ?? ''), 'one name of several')
  t.equal(texts.get(sub), '/dir/sub')
  t.equal(texts.get(trashed), `/.trash/10/${trashed}-old`)
  t.equal(texts.get(1), '/')
  t.notOk(texts.has(999))
})
