import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { lostForgetMs } from '../../src/client/limits.js'
import { BlockLostError, LostBlocks } from '../../src/client/lost-blocks.js'
import type { ChunkHandle } from '../../src/wire/ids.js'

const [a, b] = [1 as ChunkHandle, 2 as ChunkHandle]

t.test('a lost block is known from when it was first met, for as long as it is met again', async t => {
  const lost = new LostBlocks()
  t.equal(lost.met(a, 7, 100), 100)
  t.equal(lost.met(a, 7, 100 + lostForgetMs - 1), 100)
  t.equal(lost.met(a, 8, 200), 200, 'another block')
  t.equal(lost.met(b, 7, 300), 300, 'another chunk')
  const later = 100 + 2 * lostForgetMs
  t.equal(lost.met(a, 7, later), later)
})

t.test('the error has the code of what was wrong', async t => {
  const cause = new LeasefsError('CORRUPT', 'bad')
  t.match(new BlockLostError(a, 7, 100, cause), { code: 'CORRUPT', since: 100, cause })
})
