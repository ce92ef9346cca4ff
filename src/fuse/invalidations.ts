// From the client, which hears from the master what others have changed, to the
// binding, which tells the kernel. The client comes first and the binding last,
// so this stands between them: before a binding listens, no kernel has cached anything.

import type { Ino } from '../client/file-system.js'
import type { HearInvalidation, Invalidations } from './bindings/binding.js'

export class InvalidationRelay implements Invalidations {
  #hear: HearInvalidation = async () => {}

  listen(hear: HearInvalidation): void {
    this.#hear = hear
  }

  /** For ConnectOptions.onInvalidate. */
  readonly invalidated = (inos: readonly Ino[] | 'all'): Promise<void> => this.#hear(inos)
}
