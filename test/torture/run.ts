// npm run torture: a cluster of real daemons, programs on its mounts, and faults
// of every kind, one a round. It needs root, for namespaces and mounts.
//
// Everything runs in namespaces of this run's own (processes, mounts, network),
// in a file system in memory that only they see: when the first process there
// ends, however it ends, the kernel takes all of it away.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const namespaces = ['--pid', '--fork', '--kill-child', '--mount-proc', '--mount', '--net'] as const
if (process.getuid?.() !== 0) {
  process.stderr.write('torture: it needs root, for namespaces and mounts\n')
  process.exit(1)
}
const inside = fileURLToPath(new URL('inside.js', import.meta.url))
const child = spawn('unshare', [...namespaces, process.execPath, inside, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, NODE_OPTIONS: '' },
  detached: true, // A signal is passed on to all of it: unshare itself ignores them.
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => process.kill(-(child.pid ?? 0), signal))
child.once('error', error => {
  process.stderr.write(`torture: ${error.message}\n`)
  process.exitCode = 1
})
child.once('exit', code => {
  process.exitCode = code ?? 1
})
