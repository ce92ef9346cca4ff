import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../../src/base/log.js'
import { nothingScrubbed, scrubStateFile } from '../../../src/chunkserver/scrub/scrub-state.js'

t.test('what was saved is there again, and what cannot be read counts as nothing', async t => {
  const path = join(t.testdir(), 'scrub.json')
  const file = scrubStateFile(path, silentLog)
  t.same(await file.load(), nothingScrubbed)
  const state = { position: 0xa1, startedAt: 5, endedAt: 3 }
  await file.save(state)
  t.same(await file.load(), state)
  t.same(JSON.parse(readFileSync(path, 'utf8')), state)
  for (const text of ['', '{"position": -1, "startedAt": 0, "endedAt": 0}', '{"position": 1}', 'null']) {
    writeFileSync(path, text)
    t.same(await file.load(), nothingScrubbed, text)
  }
  await scrubStateFile(join(path, 'nowhere'), silentLog).save(state)
})
