import t from 'tap'
import { bar, type Progress, watchProgress } from '../../src/cli/progress.js'

async function watched(steps: readonly Progress[], isTTY: boolean): Promise<{ written: string; pauses: number }> {
  const left = [...steps]
  const written: string[] = []
  let pauses = 0
  await watchProgress(
    async () => left.shift() ?? { share: 1, text: 'too far', done: true },
    async () => void pauses++,
    { isTTY, write: text => written.push(text) },
  )
  return { written: written.join(''), pauses }
}

const steps = [
  { share: 0, text: 'counting', done: false },
  { share: 0.5, text: '10 left', done: false },
  { share: 0.5, text: '10 left', done: false },
  { share: 1, text: 'empty', done: true },
]

t.test('where nobody looks at a terminal each change is a line', async t => {
  t.same(await watched(steps, false), { written: 'counting\n10 left\nempty\n', pauses: 3 })
})

t.test('on a terminal there is one line, with a bar', async t => {
  const { written } = await watched(steps, true)
  t.equal(written.split('\r').length, 4)
  t.ok(written.endsWith('100 % empty  \n'), 'what was longer is wiped out')
})

t.test('a bar shows a share', async t => {
  t.equal(bar(0.5), `[${'#'.repeat(15)}${'-'.repeat(15)}]  50 %`)
  t.equal(bar(-1), `[${'-'.repeat(30)}]   0 %`)
  t.equal(bar(2), `[${'#'.repeat(30)}] 100 %`)
})
