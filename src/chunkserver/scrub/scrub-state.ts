// How far the scrubber has come, kept over restarts: a pass over a large disk
// takes days.

import { readFile } from 'node:fs/promises'
import { replaceFile } from '../../base/durable-file.js'
import type { Logger } from '../../base/log.js'

export interface ScrubState {
  /** The last replica that this pass has gone through; 0: none. They are taken in order of their handles. */
  readonly position: number
  /** When this pass began, and when the last one that went through all ended: ms since the epoch, 0 if there was none. */
  readonly startedAt: number
  readonly endedAt: number
}

export const nothingScrubbed: ScrubState = { position: 0, startedAt: 0, endedAt: 0 }

export interface ScrubStateStore {
  load(): Promise<ScrubState>
  save(state: ScrubState): Promise<void>
}

/** What can't be read counts as nothing, and what can't be saved is known as long as the process lives. */
export function scrubStateFile(path: string, log: Logger): ScrubStateStore {
  return {
    async load() {
      const text = await readFile(path, 'utf8').catch(() => '')
      return parse(text) ?? nothingScrubbed
    },
    async save(state) {
      await replaceFile(path, `${JSON.stringify(state)}\n`).catch(reason => {
        log.warn({ err: reason, path }, 'how far the scrubber has come was not saved')
      })
    },
  }
}

function parse(text: string): ScrubState | undefined {
  try {
    const { position, startedAt, endedAt } = JSON.parse(text)
    const isRight = [position, startedAt, endedAt].every(value => Number.isSafeInteger(value) && value >= 0)
    return isRight ? { position, startedAt, endedAt } : undefined
  } catch {
    return undefined
  }
}
