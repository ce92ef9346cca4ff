// What all commands have in common: how they are named, how they end, and the
// one line in which they say what went wrong.

import { Command } from 'commander'
import { LeasefsError } from '../base/errors.js'
import { version } from './version.js'

/** A command that answers bad usage with one line on stderr and exit code 1. */
export function program(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .version(version)
    .helpOption('-h, --help', 'show this help')
    .allowExcessArguments(false)
    .configureOutput({
      outputError: (text, write) =>
        write(
          `${name}: ${text
            .replace(/^error: /, '')
            .trimEnd()
            .replaceAll('\n', ' ')}\n`,
        ),
    })
}

/** Reads the command line and runs what it says. Whatever goes wrong ends the process with one clear line. */
export async function runProgram(command: Command, argv: readonly string[] = process.argv): Promise<void> {
  // A reader that went away (`| head`) is no reason to crash.
  process.stdout.on('error', () => {})
  try {
    await command.parseAsync(argv)
  } catch (reason) {
    process.exitCode = report(command.name(), reason)
  }
}

/** Says on stderr what went wrong; a bug with its stack. Returns the exit code. */
export function report(name: string, reason: unknown): number {
  const foreseen = reason instanceof LeasefsError && reason.code !== 'INTERNAL'
  const text = foreseen || !(reason instanceof Error) ? messageOf(reason) : (reason.stack ?? reason.message)
  process.stderr.write(`${name}: ${text}\n`)
  return 1
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason)
}
