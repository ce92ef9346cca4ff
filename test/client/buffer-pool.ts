import t from 'tap'
import { BufferPool } from '../../src/client/buffer-pool.js'
import { buffersPooledMax } from '../../src/client/limits.js'
import { mutationSizeMax } from '../../src/constants.js'

t.test('a megabyte that was given back is taken again', async t => {
  const pool = new BufferPool()
  const buffer = pool.take(mutationSizeMax)
  t.equal(buffer.length, mutationSizeMax)
  t.not(pool.take(mutationSizeMax), buffer)
  pool.give(buffer)
  t.equal(pool.take(mutationSizeMax), buffer)
})

t.test('smaller buffers are made to measure and not kept', async t => {
  const pool = new BufferPool()
  const small = pool.take(100)
  t.equal(small.length, 100)
  pool.give(small)
  t.not(pool.take(100), small)
})

t.test('the pool is bounded', async t => {
  const pool = new BufferPool()
  const given = new Set(Array.from({ length: buffersPooledMax + 3 }, () => pool.take(mutationSizeMax)))
  for (const buffer of given) pool.give(buffer)
  const again = Array.from({ length: buffersPooledMax + 3 }, () => pool.take(mutationSizeMax))
  t.equal(again.filter(buffer => given.has(buffer)).length, buffersPooledMax)
})
