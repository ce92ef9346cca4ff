// What is deleted on a real mount can be had back, by shell tools in .trash and
// by `leasefs trash`; and what is purged leaves the disks of the chunkservers.

import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { thisUser } from '../mount/harness/memory-mount.js'
import { cannotMount, leasefs, runProgram, shell, startCluster, until } from './harness.js'

const { uid } = thisUser
const stranger = 4321

interface Listed {
  readonly id: number
  readonly path: string
  readonly uid: number
  readonly deletedBy: number
  readonly trashPath: string
}

interface Standing {
  readonly unknownReplicas: number
  readonly servers: readonly { readonly connected: boolean; readonly seenLaterMaster: boolean }[]
}

t.test('deleted files are kept, and taken back or purged', { skip: cannotMount }, async t => {
  const masterArgs: string[] = []
  const cluster = await startCluster(t, { trash: '24h', masterArgs })
  const mount = cluster.mountPoint
  const sh = (script: string) => shell(mount, script)
  const fails = (script: string) => t.rejects(sh(script), `${script} fails`)
  const list = async (...args: string[]): Promise<Listed[]> =>
    JSON.parse(await leasefs('trash', 'ls', '--json', ...args, '--master', cluster.masterAddress))
  const last = async () => {
    const file = (await list()).at(-1)
    if (!file) throw new Error('nothing is in the trash')
    return file
  }
  /** As a person in the directory of the mount calls it. */
  const trash = (...args: string[]) => leasefs('trash', ...args)

  const status = async () =>
    JSON.parse(await leasefs('status', '--json', '--master', cluster.masterAddress)) as Standing
  const untilStatus = (what: string, isSo: (now: Standing) => boolean) => until(what, async () => isSo(await status()))

  await sh('mkdir d; head -c 3000000 /dev/urandom > d/f; mkdir empty; touch none')
  const sum = await sh('cksum < d/f')
  const { handle } = (await cluster.locate(join(mount, 'd/f'))).chunks[0] ?? { handle: '' }
  const onDisks = () =>
    cluster.chunkservers.filter((_, i) =>
      existsSync(join(cluster.dataOf(i), 'chunks', handle.slice(14), `${handle}.chunk`)),
    ).length

  // Deleted, with its directory: found below .trash, which nothing lists.
  await sh('rm none; rm -r d')
  const deleted = await last()
  t.match(deleted, { path: '/d/f', uid, deletedBy: uid, trashPath: `.trash/${uid}/${deleted.id}-f` })
  t.equal((await list()).length, 1, 'an empty file is not kept')
  t.equal(await sh('ls -A'), 'empty\n')
  t.equal(await sh('ls .trash; ls .trash/*'), `${uid}\n${deleted.id}-f\n`)
  t.equal(await sh(`cksum < ${deleted.trashPath}`), sum, 'it can be read')
  t.match(await leasefs('status', '--master', cluster.masterAddress), /trash: +1 files, 2\.9 MiB/)
  t.equal((await cluster.locate(join(mount, deleted.trashPath))).chunks[0]?.handle, handle)

  // It stays as it is, and where it is.
  for (const change of [
    `echo more >> ${deleted.trashPath}`,
    `: > ${deleted.trashPath}`,
    `chmod 777 ${deleted.trashPath}`,
    `touch .trash/${uid}/new`,
    `mkdir .trash/new`,
    `mv empty .trash/${uid}/`,
    `mv empty .trash/`,
    `ln ${deleted.trashPath} linked`,
    `rmdir .trash/${uid}`,
    'mv .trash moved',
  ]) {
    await fails(change)
  }
  t.equal(await sh(`cksum < ${deleted.trashPath}`), sum)

  // Back by hand, and again by the program.
  await sh(`mv ${deleted.trashPath} back`)
  t.equal(await sh('cksum < back; ls -A .trash/*'), sum)
  await sh('rm back')
  t.equal(await trash('restore', join(mount, 'back')), 'restored /back\n')
  t.equal(await sh('cksum < back'), sum)
  await sh('mkdir d; mv back d/f; rm -r d')
  const restore = (...args: string[]) => runProgram('leasefs', ['trash', 'restore', ...args])
  const noParent = await restore(join(mount, 'd/f'))
  t.match([noParent.code, noParent.stderr], [1, /^leasefs: there is no directory \/d: .*--to.*\n$/])
  t.equal(await trash('restore', '-rp', join(mount, 'd')), 'restored /d/f\n')
  await sh('rm -r d; echo other > taken')
  const taken = await restore(join(mount, deleted.trashPath), '--to', join(mount, 'taken'))
  t.match([taken.code, taken.stderr], [1, /^leasefs: \/taken exists: .*\n$/])
  t.equal(await trash('restore', join(mount, deleted.trashPath), '--to', join(mount, 'empty')), 'restored /empty/f\n')
  t.equal(await sh('cksum < empty/f; cat taken'), `${sum}other\n`)

  // What is replaced is kept too; what is open, when it is closed.
  await sh('echo new > taken.new; mv taken.new taken')
  await until('what was replaced is in the trash', async () => (await last()).path === '/taken')
  t.equal(await sh(`cat .trash/${uid}/*-taken`), 'other\n')
  await sh(`exec 3< empty/f; rm empty/f; ls .trash/${uid}/*-f 2> /dev/null && exit 1; cksum <&3 > sum`)
  await until('what was open is in the trash', async () => (await last()).path === '/empty/f')
  t.equal(await sh(`cat sum; cat .trash/${uid}/*-f | cksum`), sum + sum)

  // Nobody else gets at it.
  if (uid === 0) {
    chmodSync(cluster.directory, 0o711)
    const asStranger = (script: string) => {
      const user = ['--reuid', String(stranger), '--regid', String(stranger), '--clear-groups']
      return execFileSync('setpriv', [...user, 'sh', '-ec', `cd ${mount}; ${script}`], {
        encoding: 'utf8',
        stdio: 'pipe',
      })
    }
    await sh('mkdir -m 777 open; echo secret > open/mine')
    asStranger('echo theirs > open/theirs; rm -f open/mine open/theirs')
    const [mine, theirs] = (await list(join('/open'))).map(({ id, uid, deletedBy }) => ({ id, uid, deletedBy }))
    t.match(
      [mine, theirs],
      [
        { uid: 0, deletedBy: stranger },
        { uid: stranger, deletedBy: stranger },
      ],
    )
    for (const script of ['ls .trash/0', `cat .trash/0/${mine?.id}-mine`, `mv .trash/0/${mine?.id}-mine .`]) {
      t.throws(() => asStranger(script), /Permission denied/)
    }
    t.equal(asStranger('ls -A .trash/$(id -u)'), `${theirs?.id}-theirs\n`)
    t.equal(asStranger('cd .trash/$(id -u); cat *; rm *; ls'), 'theirs\n', 'the owner reads and purges')
    await sh(`ls .trash/0 .trash/${stranger}`)
  }

  // Purged, it leaves the disks.
  t.equal(onDisks(), 3)
  t.match(await trash('purge', join(mount, 'empty/f')), /^purged 1 file, 2\.9 MiB\n$/)
  t.equal(await sh(`ls .trash/${uid} | grep -- '-f$' || true`), '')
  await until('its replicas are gone', () => onDisks() === 0)
  t.match(await trash('purge', '--all', '--master', cluster.masterAddress), /^purged \d files?, /)
  t.same(await list(), [])
  const chunkFiles = () =>
    cluster.chunkservers
      .flatMap((_, i) => readdirSync(join(cluster.dataOf(i), 'chunks'), { recursive: true, encoding: 'utf8' }))
      .filter(name => name.endsWith('.chunk')).length
  await until('nothing of them is on the disks', async () => chunkFiles() === 3 * (await cluster.status()).chunks)

  // A copy of the master's directory is not taken for the master.
  const masterDirectory = join(cluster.directory, 'master')
  await cluster.master.stop()
  cpSync(masterDirectory, `${masterDirectory}-copy`, { recursive: true })
  await cluster.master.start()
  await sh('echo later > later')
  await Promise.all(cluster.mounts.map(mounted => mounted.stop()))
  await cluster.master.kill()
  rmSync(masterDirectory, { recursive: true })
  cpSync(`${masterDirectory}-copy`, masterDirectory, { recursive: true })
  await cluster.master.start()
  const seenLater = async () => (await status()).servers.filter(server => server.seenLaterMaster).length
  await until('the servers have seen more than the copy knows', async () => (await seenLater()) === 3)
  masterArgs.push('--records-lost')
  await cluster.master.restart()
  await untilStatus('what it does not know is kept', ({ servers, unknownReplicas }) => {
    return unknownReplicas === 3 && servers.every(server => server.connected && !server.seenLaterMaster)
  })
  const purged = await trash('purge', '--lost', '--master', cluster.masterAddress)
  t.match(purged, /deleted in some minutes/)
  await untilStatus('it is not wanted', ({ unknownReplicas }) => unknownReplicas === 0)
})
