// The one kind of timer that the duties of the chunk room have.

import type { Clock } from '../../base/clock.js'

/**
 * Runs `step` every `ms` until `signal` aborts: one at a time, never
 * overlapping. A step deals with the errors it expects itself.
 */
export async function every(
  ms: number,
  clock: Clock,
  signal: AbortSignal,
  step: () => void | Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await step()
    try {
      await clock.sleep(ms, signal)
    } catch {
      // Aborted: the loop condition ends it.
    }
  }
}
