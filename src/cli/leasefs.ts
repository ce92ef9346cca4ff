// leasefs: a whole local cluster, and questions to one.

import { addLocateCommand } from './locate.js'
import { program, runProgram } from './program.js'
import { addStatusCommand } from './status.js'
import { addUpCommand } from './up.js'

export async function main(): Promise<void> {
  const command = program('leasefs', 'A distributed file system one can mount.')
  addUpCommand(command)
  addStatusCommand(command)
  addLocateCommand(command)
  await runProgram(command)
}
