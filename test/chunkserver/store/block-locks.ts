import t from 'tap'
import { type BlockClaim, BlockLocks } from '../../../src/chunkserver/store/block-locks.js'

/** Claims as "r 0-3" or "w 5-5"; tells which of them hold their blocks. */
function holding(locks: BlockLocks, ...texts: string[]): { claims: BlockClaim[]; held: () => Promise<string> } {
  const states = texts.map(text => {
    const [kind, range = ''] = text.split(' ')
    const [first = 0, last = 0] = range.split('-').map(Number)
    const claim = locks.claim(first, last, kind === 'w')
    const state = { text, claim, held: false }
    const ready = locks.ready(claim)
    if (ready) {
      ready.then(() => {
        state.held = true
      })
    } else {
      state.held = true
    }
    return state
  })
  const held = async () => {
    await new Promise(resolve => setImmediate(resolve))
    return states.map(state => (state.held ? state.text : '-')).join(', ')
  }
  return { claims: states.map(({ claim }) => claim), held }
}

t.test('readers share, writers do not, and different blocks do not meet', async t => {
  t.equal(await holding(new BlockLocks(), 'r 0-3', 'r 2-5').held(), 'r 0-3, r 2-5')
  t.equal(await holding(new BlockLocks(), 'w 0-3', 'r 3-5').held(), 'w 0-3, -')
  t.equal(await holding(new BlockLocks(), 'r 0-3', 'w 3-5').held(), 'r 0-3, -')
  t.equal(await holding(new BlockLocks(), 'w 0-3', 'w 2-2').held(), 'w 0-3, -')
  t.equal(await holding(new BlockLocks(), 'w 0-3', 'w 4-4', 'r 5-9').held(), 'w 0-3, w 4-4, r 5-9')
})

t.test('who waits comes first, also before a reader that could share', async t => {
  const locks = new BlockLocks()
  const { claims, held } = holding(locks, 'r 0-0', 'w 0-0', 'r 0-0')
  t.equal(await held(), 'r 0-0, -, -')
  locks.release(claims[0] as BlockClaim)
  t.equal(await held(), 'r 0-0, w 0-0, -')
  locks.release(claims[1] as BlockClaim)
  t.equal(await held(), 'r 0-0, w 0-0, r 0-0')
})

t.test('a claim given up while it waits lets others through', async t => {
  const locks = new BlockLocks()
  const { claims, held } = holding(locks, 'r 0-0', 'w 0-0', 'r 0-0')
  locks.release(claims[1] as BlockClaim)
  t.equal(await held(), 'r 0-0, -, r 0-0')
})
