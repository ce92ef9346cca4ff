import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { BlockLostError } from '../../src/client/block-lost.js'
import type { ChunkHandle } from '../../src/wire/ids.js'

t.test('the error has the code of what was wrong', async t => {
  const cause = new LeasefsError('CORRUPT', 'bad')
  t.match(new BlockLostError(1 as ChunkHandle, 7, 100, cause), { code: 'CORRUPT', since: 100, cause })
})
