// How a run of the tests is shown: a line for each file, the details of what
// failed, and at the very end the count of all assertions.

import { Transform } from 'node:stream'
import { type FinalResults, Parser, type Result } from 'tap-parser'

interface Counts {
  passed: number
  failed: number
  skipped: number
}

export default class Reporter extends Transform {
  readonly #counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  readonly #parser = new Parser()

  constructor() {
    super({ decodeStrings: false })
    this.#watch(this.#parser, 0)
    this.#parser.on('extra', (text: string) => this.push(text))
  }

  override _transform(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#parser.write(chunk)
    done()
  }

  override _flush(done: () => void): void {
    this.#parser.end()
    const { passed, failed, skipped } = this.#counts
    if (skipped > 0) this.#show(`${skipped} skipped`)
    this.#show(`${passed} passed, ${failed} failed`)
    done()
  }

  #watch(parser: Parser, depth: number): void {
    // A subtest ends with a test point of its own. It counts only when it failed
    // though nothing within it did: a timeout, a crash, a wrong plan.
    let within: FinalResults | undefined
    parser.on('child', (child: Parser) => {
      child.on('complete', (results: FinalResults) => {
        within = results
      })
      this.#watch(child, depth + 1)
    })
    parser.on('assert', (result: Result) => {
      if (!result.closingTestPoint) this.#count(result)
      else if (!result.ok && within?.fail === 0) this.#count(result)
      if (result.closingTestPoint && depth === 0) this.#show(fileLine(result))
      within = undefined
    })
  }

  #count(result: Result): void {
    if (result.skip || result.todo) {
      this.#counts.skipped++
      this.#show(`  skipped: ${result.fullname} (${result.skip || result.todo})`)
    } else if (result.ok) {
      this.#counts.passed++
    } else {
      this.#counts.failed++
      this.#show(`\nFAILED: ${result.fullname}\n${details(result)}\n`)
    }
  }

  #show(line: string): void {
    this.push(`${line}\n`)
  }
}

function fileLine(result: Result): string {
  const seconds = ((result.time ?? 0) / 1000).toFixed(1)
  return `${result.ok ? 'ok    ' : 'not ok'} ${result.name} (${seconds} s)`
}

function details(result: Result): string {
  if (!result.diag) return ''
  const { source: _, at: __, ...diagnosis } = result.diag
  return JSON.stringify(diagnosis, undefined, 2).replaceAll('\\n', '\n')
}
