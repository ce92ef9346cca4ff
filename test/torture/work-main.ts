// The process that uses the mounts: it does nothing but carry out what the run
// asks of its workload (work-process.ts).

import { SeededRandom } from '../../src/base/random.js'
import type { Answer, Question } from './work-process.js'
import { Workload } from './workload.js'

const [seed = '0', ...directories] = process.argv.slice(2)
const workload = new Workload(directories, { random: new SeededRandom(Number(seed)), now: () => performance.now() })

process.on('message', async ({ number, what, args }: Question) => {
  const call = workload[what] as (...args: unknown[]) => unknown
  const answer: Answer = await Promise.resolve(call.apply(workload, [...args])).then(
    value => ({ number, value }),
    (reason: Error) => ({ number, error: reason.message }),
  )
  process.send?.(answer)
})
process.on('disconnect', () => process.exit())
