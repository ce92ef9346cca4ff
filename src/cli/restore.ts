// leasefs-master --restore: makes a data directory of a backup, and ends.

import { openDataDirectory } from '../base/data-directory.js'
import { formatVersion } from '../constants.js'
import { restoreBackup } from '../master/snapshots/restore.js'
import { bytesText } from './table.js'

/** @throws LeasefsError as openDataDirectory, restoreBackup */
export async function restore(file: string, directory: string): Promise<void> {
  const dataDirectory = await openDataDirectory(directory, 'master', { formatVersion })
  try {
    const { clusterId, index, stateLength, takenMs } = await restoreBackup(file, dataDirectory)
    const taken = new Date(takenMs).toISOString()
    process.stdout.write(
      `${directory}: cluster ${clusterId} up to record ${index} of ${taken}, ${bytesText(stateLength)}\n` +
        `Start it with --records-lost, once, if there is no directory that knows more.\n`,
    )
  } finally {
    await dataDirectory.close()
  }
}
