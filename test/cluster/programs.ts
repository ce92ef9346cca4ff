// The programs of bin/ and others, run to their end, for tests.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Test } from 'tap'

/** Without what the test runner puts into the environment of every Node process: it is slow, and changes how signals act. */
export const plainNode = ['env', '-u', 'NODE_OPTIONS', process.execPath] as const

/** The same, as another user. */
export function nodeAs({ uid, gid }: { readonly uid: number; readonly gid: number }): [string, ...string[]] {
  return ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups', ...plainNode]
}

const toolTimeoutMs = 120_000

/** Runs the `leasefs` program. Returns what it printed on stdout. @throws if it fails */
export async function leasefs(...args: string[]): Promise<string> {
  return run(...plainNode, programFile('leasefs'), ...args)
}

/** Runs a script of sh in a directory, with -e. Returns what it printed on stdout. @throws with its stderr if it fails */
export async function shell(cwd: string, script: string): Promise<string> {
  return run('sh', '-ec', 'cd "$1"; eval "$2"', 'sh', cwd, script)
}

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs one of our programs to its end, however it ends; as an ordinary user if `uid` says so. */
export function runProgram(name: string, args: readonly string[], uid?: number): Promise<Outcome> {
  const [env, ...node] = plainNode
  return runTool(env, [...node, programFile(name), ...args], uid)
}

/** The same for any program. */
export function runTool(program: string, args: readonly string[], uid?: number): Promise<Outcome> {
  const options = {
    timeout: toolTimeoutMs,
    killSignal: 'SIGKILL',
    ...(uid === undefined ? {} : { uid, gid: uid }),
  } as const
  return new Promise(resolve => {
    const child = execFile(program, args, options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr })
    })
  })
}

export function programFile(name: string): string {
  return fileURLToPath(new URL(`../../../bin/${name}`, import.meta.url))
}

/** That a program refuses its input: nothing on stdout, one line on stderr that begins with its name, exit code 1. */
export async function refuses(
  t: Test,
  name: string,
  args: readonly string[],
  why: RegExp,
  uid?: number,
): Promise<void> {
  const { code, stdout, stderr } = await runProgram(name, args, uid)
  const lines = stderr
    .trimEnd()
    .split('\n')
    .filter(line => !line.startsWith('{')) // The log does not count.
  const line = lines.at(-1) ?? ''
  const isClear = code === 1 && stdout === '' && lines.length === 1 && line.startsWith(`${name}: `) && why.test(line)
  t.ok(isClear, `${args.join(' ')}: ${line}`, { code, stdout, stderr, why: String(why) })
}

async function run(program: string, ...args: string[]): Promise<string> {
  const limits = { timeout: toolTimeoutMs, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 } as const
  const { stdout } = await promisify(execFile)(program, args, limits)
  return stdout
}

/** Waits until something is so. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what}: not so after ${timeoutMs} ms`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
