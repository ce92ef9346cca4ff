// Every port of a real cluster attacked for a minute: what came of it, and what
// it cost the daemons. Ends with exit code 1 if one has died, something has
// changed, or whoever sent nonsense was not thrown out.
//
//   npm run fuzz -- [--seconds 60] [--seed N] [--only TEXT]

import { wholeNumber } from '../src/cli/options.js'
import { program, runProgram } from '../src/cli/program.js'
import { bytesText, table } from '../src/cli/table.js'
import { Arena } from '../test/fuzz/arena.js'
import { complaintsOf, fuzz, type Tally } from '../test/fuzz/run.js'
import { openSlow, slowComplaintsOf } from '../test/fuzz/slow.js'

/** Of each kind, on each port. */
const slowCount = 10

interface Options {
  readonly seconds: number
  readonly seed?: number
  readonly only?: string
}

async function bench({ seconds, seed = Math.floor(performance.timeOrigin) % 2 ** 32, only }: Options): Promise<void> {
  const arena = new Arena()
  try {
    await arena.start()
    const ports = arena.ports()
    process.stdout.write(`seed ${seed}: ${ports.length} ports for ${seconds} s\n`)
    const closeSlow = await openSlow(ports, slowCount)
    const tallies = await fuzz({ ports, seed, ms: seconds * 1000, only })
    const slow = closeSlow()
    const figures = arena.figures()
    process.stdout.write(`\n${attackTable(tallies)}\n\n`)
    process.stdout.write(
      `${table(
        ['SLOW CONNECTIONS', 'OPENED', 'DROPPED'],
        slow.map(({ name, opened, dropped }) => [name, opened, dropped]),
      )}\n\n`,
    )
    process.stdout.write(
      `${table(
        ['DAEMON', 'BEFORE', 'AFTER', 'PEAK', 'LOG LINES', 'LONGEST'],
        figures.map(({ label, before, after, peak, logLines, longestLine }) => {
          return [label, ...[before, after, peak].map(bytesText), logLines, longestLine]
        }),
      )}\n\n`,
    )
    for (const { label } of figures) {
      for (const [message, count] of arena.logs.kinds(label))
        process.stdout.write(`  ${label}: ${count} × ${message}\n`)
    }
    const wrong = [...(await arena.complaints()), ...complaintsOf(tallies), ...slowComplaintsOf(slow)]
    process.stdout.write(wrong.length === 0 ? 'nothing died, and nothing changed\n' : `${wrong.join('\n')}\n`)
    if (wrong.length > 0) process.exitCode = 1
  } finally {
    await arena.close()
  }
}

function attackTable(tallies: readonly Tally[]): string {
  const rows = tallies.map(({ name, port, runs, outcomes }) => {
    return [name, port, runs, outcomes.dropped, outcomes.answered, outcomes.kept]
  })
  return table(['ATTACK', 'PORT', 'RUNS', 'DROPPED', 'ANSWERED', 'KEPT'], rows)
}

await runProgram(
  program('fuzz', 'Attacks every port of a cluster, and says what came of it.')
    .option('--seconds <count>', 'for how long', wholeNumber(1, 3600), 60)
    .option('--seed <number>', 'chooses the attacks', wholeNumber(0, 2 ** 32 - 1))
    .option('--only <text>', 'only attacks whose name contains this')
    .action(bench),
)
