// Work that the master does and a person watches: a bar on a terminal, and a
// line for each change elsewhere. Whoever stops watching stops nothing.

export interface Progress {
  /** From 0 to 1. */
  readonly share: number
  readonly text: string
  readonly done: boolean
}

export interface ProgressOutput {
  readonly isTTY?: boolean | undefined
  write(text: string): void
}

const barWidth = 30

/** One line that is written over: on a terminal with a bar, elsewhere a line for each change. */
export class ProgressLine {
  readonly #output: ProgressOutput
  #shown = ''

  constructor(output: ProgressOutput) {
    this.#output = output
  }

  show({ share, text }: Pick<Progress, 'share' | 'text'>): void {
    const { isTTY } = this.#output
    const line = isTTY ? `${bar(share)} ${text}` : text
    if (line !== this.#shown) this.#output.write(isTTY ? `\r${line.padEnd(this.#shown.length)}` : `${line}\n`)
    this.#shown = line
  }

  end(): void {
    if (this.#output.isTTY && this.#shown !== '') this.#output.write('\n')
  }
}

/** Looks again and again, and shows what it sees, until the work is done or cannot go on. */
export async function watchProgress(
  look: () => Promise<Progress>,
  pause: () => Promise<void>,
  output: ProgressOutput,
): Promise<Progress> {
  const line = new ProgressLine(output)
  for (;;) {
    const progress = await look()
    line.show(progress)
    if (progress.done) {
      line.end()
      return progress
    }
    await pause()
  }
}

export function bar(share: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * barWidth)
  return `[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}] ${Math.floor(100 * Math.min(1, Math.max(0, share)))
    .toString()
    .padStart(3)} %`
}
