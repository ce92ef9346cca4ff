// leasefs: a whole local cluster, and questions to one.

import { addBackupCommand } from './backup.js'
import { addDrainCommand } from './drain.js'
import { addFsckCommand } from './fsck.js'
import { addGoalCommand } from './goal.js'
import { addLocateCommand } from './locate.js'
import { program, runProgram } from './program.js'
import { addRebalanceCommand } from './rebalance.js'
import { addRepairCommand } from './repair.js'
import { addScrubCommand } from './scrub.js'
import { addStatusCommand } from './status.js'
import { addTrashCommand } from './trash.js'
import { addUmountCommand } from './umount.js'
import { addUpCommand } from './up.js'

export async function main(): Promise<void> {
  const command = program('leasefs', 'A distributed file system one can mount.')
  addUpCommand(command)
  addStatusCommand(command)
  addLocateCommand(command)
  addUmountCommand(command)
  addGoalCommand(command)
  addTrashCommand(command)
  addBackupCommand(command)
  addFsckCommand(command)
  addRepairCommand(command)
  addScrubCommand(command)
  addDrainCommand(command)
  addRebalanceCommand(command)
  await runProgram(command)
}
