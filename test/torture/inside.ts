// What runs within the namespaces that run.ts made.

import { execFileSync } from 'node:child_process'
import { appendFileSync, copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Bars, barMounts, barServers } from './bars.js'
import { kinds } from './kinds/index.js'
import { Network } from './network.js'
import { type Outcome, playRound } from './round.js'
import { Stage, type StageOptions } from './stage.js'
import { Table } from './table.js'

/** Of the namespace's own: nobody else sees what is mounted there. */
const directory = '/dev/shm'
const diskBytes = 2 ** 30
/** Of the log of all daemons, to be shown with a failure. */
const linesMax = 20_000
const serverCount = 5
const mountCount = 3
const leaseMsOf = [60_000, 5_000] as const

const usage = `Usage: npm run torture -- [--rounds N] [--seed S] [--kind K] [--round I] [--minutes M] [--logs DIR]
       npm run torture -- --bars [--rounds N]

  --rounds N   of each kind (1)
  --seed S     which the details of all rounds are chosen by (by the clock)
  --kind K     only kinds whose names contain K, or one of several: K,K
  --round I    only this round
  --minutes M  no round begins later than so many minutes after the start
  --logs DIR   what the daemons log of rounds that fail, more of it; with --round their events, too
  --bars       how long programs wait when a chunkserver is stopped or killed
kinds: ${Object.keys(kinds).join(', ')}
`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    seed: { type: 'string' },
    kind: { type: 'string', default: '' },
    round: { type: 'string' },
    minutes: { type: 'string', default: '100000' },
    bars: { type: 'boolean', default: false },
    logs: { type: 'string' },
    help: { type: 'boolean' },
  },
})

class Run {
  readonly #seed: number
  readonly #logs: string | undefined
  readonly #trace: boolean
  readonly #table = new Table()
  #network: Network | undefined
  #stage: Stage | undefined
  #lines: string[] = []
  #stages = 0

  constructor(seed: number, logs: string | undefined, trace: boolean) {
    this.#seed = seed
    this.#logs = logs
    this.#trace = trace
  }

  /** Each kind once in turn, and so on. */
  async play(names: readonly string[], rounds: readonly number[], minutes: number): Promise<void> {
    const deadline = performance.now() + minutes * 60_000
    for (const round of rounds) {
      for (const name of names) {
        if (performance.now() > deadline) return
        const outcome = await this.#playOne(name, round)
        this.#table.add(name, outcome)
        if (outcome.lost.length + outcome.diverged.length + outcome.failed.length > 0)
          await this.#failed(name, round, outcome)
        this.#lines = []
      }
    }
  }

  async #playOne(name: string, round: number): Promise<Outcome> {
    const stage = await this.#ready(round)
    const kind = kinds[name]
    if (!kind) throw new Error(`no kind is called ${name}`)
    const begun = performance.now()
    const outcome = await playRound(stage, kind, seedOf(this.#seed, name, round))
    const seconds = ((performance.now() - begun) / 1000).toFixed(1)
    const { what, acknowledged, longestMs, steps } = outcome
    print(
      `${name} ${round}: ${what}; ${acknowledged} acknowledged, longest ${longestMs.toFixed(0)} ms, ${seconds} s (${steps})`,
    )
    return outcome
  }

  /** After a failure a new cluster is taken. */
  async #ready(round: number): Promise<Stage> {
    if (this.#stage) return this.#stage
    const leaseMs = leaseMsOf[(this.#seed + round) % leaseMsOf.length] ?? leaseMsOf[0]
    const logLevel = this.#logs ? 'debug' : 'info'
    return await this.#open({ servers: serverCount, mounts: mountCount, leaseMs, logLevel })
  }

  async #open(options: Pick<StageOptions, 'servers' | 'mounts' | 'leaseMs' | 'logLevel'>): Promise<Stage> {
    this.#stages += 1
    const own = join(directory, `cluster-${this.#stages}`)
    mkdirSync(own)
    this.#network ??= await Network.open()
    this.#stage = await Stage.open(this.#network, {
      ...options,
      seed: this.#seed + this.#stages,
      directory: own,
      trace: this.#trace,
      onLine: (label, line) => {
        this.#lines.push(`${label} ${line}`)
        if (this.#lines.length > linesMax) this.#lines.splice(0, linesMax / 2)
      },
    })
    return this.#stage
  }

  /** @returns whether all are met */
  async bars(rounds: number): Promise<boolean> {
    const stage = await this.#open({ servers: barServers, mounts: barMounts, leaseMs: leaseMsOf[0], logLevel: 'warn' })
    const bars = new Bars(stage)
    await bars.measure(rounds).finally(() => bars.close())
    print(bars.text())
    print('How fast what a lost server had is made again: node dist/bench/repair.js')
    return bars.isGood
  }

  async #failed(name: string, round: number, { lost, diverged, failed }: Outcome): Promise<void> {
    for (const line of lost) print(`  LOST ${line}`)
    for (const line of diverged) print(`  DIVERGED ${line}`)
    for (const line of failed) print(`  FAILED ${line}`)
    print(`  again: npm run torture -- --seed ${this.#seed} --kind ${name} --round ${round}`)
    if (this.#logs) {
      const file = join(this.#logs, `${name}-${this.#seed}-${round}`)
      appendFileSync(`${file}.log`, `${[...lost, ...diverged, ...failed, ...this.#lines].join('\n')}\n`)
      const trace = join(this.#stage?.cluster.directory ?? '', 'trace')
      if (existsSync(trace)) copyFileSync(trace, `${file}.trace`)
    }
    await this.close()
  }

  async close(): Promise<void> {
    await this.#stage?.close()
    this.#stage = undefined
  }

  /** @returns whether all was well */
  end(): boolean {
    process.stdout.write(`\n${this.#table.text()}\nseed ${this.#seed}\n`)
    return this.#table.isGood
  }
}

/** Each round of each kind has its own chances, so that it can be repeated alone. */
function seedOf(seed: number, name: string, round: number): number {
  let hash = seed >>> 0
  for (const char of `${name} ${round}`) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0
  return hash
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const logs = values.logs === undefined ? undefined : resolve(values.logs)
if (logs) mkdirSync(logs, { recursive: true })
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const names = Object.keys(kinds).filter(name => values.kind.split(',').some(part => name.includes(part)))
const rounds =
  values.round === undefined ? Array.from({ length: Number(values.rounds) }, (_, i) => i) : [Number(values.round)]
const run = new Run(seed, logs, logs !== undefined && values.round !== undefined)
const end = () => {
  process.exitCode = run.end() ? 0 : 1
  process.exit() // The first process of its namespaces: with it all others end.
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end)
execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', directory])
if (values.bars) {
  const isGood = await run.bars(rounds.length)
  await run.close()
  process.exit(isGood ? 0 : 1)
}
print(`seed ${seed}`)
await run.play(names, rounds, Number(values.minutes))
await run.close()
end()
