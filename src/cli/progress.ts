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

/** Looks again and again, and shows what it sees, until the work is done or cannot go on. */
export async function watchProgress(
  look: () => Promise<Progress>,
  pause: () => Promise<void>,
  output: ProgressOutput,
): Promise<Progress> {
  let shown = ''
  for (;;) {
    const progress = await look()
    const line = output.isTTY ? `${bar(progress.share)} ${progress.text}` : progress.text
    if (line !== shown) output.write(output.isTTY ? `\r${line.padEnd(shown.length)}` : `${line}\n`)
    shown = line
    if (progress.done) {
      if (output.isTTY) output.write('\n')
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
