// The parts of a master's data directory (docs/FORMAT.md).

import { join } from 'node:path'

export const journalIn = (directory: string) => join(directory, 'journal')
export const stateIn = (directory: string) => join(directory, 'state')
export const snapshotsIn = (directory: string) => join(directory, 'snapshots')
