// Backups of a master in use, and what is made of them.

import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { cannotMount, leasefs, refuses, runProgram, startCluster, until } from './harness.js'

t.test(
  'a master restored from a backup has the files of then, and nothing is deleted',
  { skip: cannotMount },
  async t => {
    // A snapshot after every few records: the journal has long been cut when the backup is made.
    const masterArgs = ['--snapshot-bytes', '4096']
    const cluster = await startCluster(t, { mounts: 1, chunkservers: 2, goal: 2, masterArgs })
    const at = (name: string) => join(cluster.mountPoint, name)
    const backup = join(cluster.directory, 'backup')
    const master = ['--master', cluster.masterAddress]
    for (let n = 0; n < 20; n++) await writeFile(at(`then ${n}`), `content ${n}`)
    await until('a snapshot is taken', async () => (await cluster.status()).disk.snapshotIndex > 0)

    let writing = true
    const writer = (async () => {
      for (let n = 0; writing; n++) await appendFile(at('log'), `line ${n}\n`)
    })()
    const said = await leasefs('backup', backup, ...master)
    t.match(said, /backup: cluster [-0-9a-f]{36} up to record \d+, /)
    await refuses(t, 'leasefs', ['backup', backup, ...master], /is there already; --force replaces it/)
    await leasefs('backup', '--force', backup, ...master)
    writing = false
    await writer
    t.equal(statSync(backup).mode & 0o777, 0o600)
    const lines = readFileSync(at('log'), 'utf8')
    await writeFile(at('since'), 'written after the backup')
    await cluster.mounts[0]?.stop()
    await cluster.master.stop()

    const bytes = readFileSync(backup)
    const bad = join(cluster.directory, 'bad')
    writeFileSync(bad, Buffer.concat([bytes.subarray(0, 5000), Buffer.from('x'), bytes.subarray(5001)]))
    const restore = (file: string) => ['--data', cluster.masterData, '--restore', file]
    await refuses(t, 'leasefs-master', restore(backup), /is not empty/)
    renameSync(cluster.masterData, join(cluster.directory, 'lost'))
    await refuses(t, 'leasefs-master', restore(bad), /bytes 0 to \d+ are damaged/)
    rmSync(cluster.masterData, { recursive: true, force: true })
    const restored = await runProgram('leasefs-master', restore(backup))
    t.match(restored, { code: 0, stdout: /up to record \d+ of 20.*\n.*--records-lost/ })

    masterArgs.push('--records-lost')
    await cluster.master.start()
    await cluster.mounts[0]?.start()
    for (let n = 0; n < 20; n++) t.equal(readFileSync(at(`then ${n}`), 'utf8'), `content ${n}`)
    const then = readFileSync(at('log'), 'utf8')
    t.ok(lines.startsWith(then) && then.length > 0, 'the log of then')
    t.throws(() => readFileSync(at('since')), { code: 'ENOENT' })
    await writeFile(at('new'), 'it goes on')
    // The chunk of the file that is not known any more is kept on both servers.
    await until('nothing is missing, or deleted', async () => {
      const { chunksMissing, chunksBelowGoal, unknownReplicas } = await cluster.status()
      return chunksMissing === 0 && chunksBelowGoal === 0 && unknownReplicas >= 2
    })
  },
)
