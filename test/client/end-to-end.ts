import { randomBytes } from 'node:crypto'
import t from 'tap'
import { deferred } from '../../src/base/deferred.js'
import { SeededRandom } from '../../src/base/random.js'
import { KiB, MiB } from '../../src/base/units.js'
import { Client } from '../../src/client/client.js'
import type { FileSystem, OpenFile } from '../../src/client/file-system.js'
import { chunkSize, rootIno } from '../../src/constants.js'
import type { ControlNetwork, ControlPeer } from '../../src/rpc/control-network.js'
import type { ClientToMaster } from '../../src/wire/gen/client.js'
import type { Ino } from '../../src/wire/ids.js'
import { type Cluster, startCluster } from './harness/cluster.js'

const root = rootIno as Ino
const owner = { uid: 0, gid: 0, umask: 0 }
const inode = { mode: 0o644, uid: 0, gid: 0 }
const readWrite = { read: true, write: true }

async function create(fileSystem: FileSystem, name: string): Promise<OpenFile> {
  const { file } = await fileSystem.create(root, Buffer.from(name), inode, { ...readWrite, exclusive: true })
  return file
}

async function readAll(file: OpenFile, length: number, offset = 0, step = 128 * KiB): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let at = offset; at < offset + length; at += step) {
    pieces.push(...(await file.read(at, Math.min(step, offset + length - at))))
  }
  return Buffer.concat(pieces)
}

async function pathClient({ client }: Cluster): Promise<Client> {
  return new Client(await client(), owner)
}

t.test('what one client has closed another reads whole', async t => {
  const cluster = await startCluster(t)
  const [writer, reader] = [await pathClient(cluster), await pathClient(cluster)]
  const bytes = randomBytes(3 * MiB + 77)
  await writer.mkdir('/a/b', { recursive: true })
  await writer.writeFile('/a/b/c', bytes)
  t.ok((await reader.readFile('/a/b/c')).equals(bytes))
  t.equal((await reader.stat('/a/b/c')).size, bytes.length)
  await writer.writeFile('/a/b/c', 'short')
  t.equal(await reader.readFile('/a/b/c', 'utf8'), 'short', 'and what replaced it')
  await reader.appendFile('/a/b/c', '+more')
  t.equal(await writer.readFile('/a/b/c', 'utf8'), 'short+more')
})

t.test('a file over a chunk border, a hole and a cut', async t => {
  const cluster = await startCluster(t)
  const fileSystem = await cluster.client()
  const file = await create(fileSystem, 'large')
  const bytes = randomBytes(2 * MiB)
  const at = chunkSize - MiB - 5
  await file.write(at, bytes)
  await file.write(3 * chunkSize, Buffer.from('end'))
  t.ok((await readAll(file, bytes.length, at)).equals(bytes), 'while it is dirty')
  await file.close()

  const again = await (await cluster.client()).open(file.ino, readWrite)
  t.ok((await readAll(again, bytes.length, at)).equals(bytes), 'by another client')
  t.ok((await readAll(again, 64 * KiB, 2 * chunkSize)).equals(Buffer.alloc(64 * KiB)), 'a hole is zeros')
  t.same(Buffer.concat(await again.read(3 * chunkSize, 100)), Buffer.from('end'))

  await fileSystem.setAttributes(file.ino, { size: at + 10 })
  await fileSystem.setAttributes(file.ino, { size: at + 20 })
  t.same(Buffer.concat(await again.read(at, 100)), Buffer.concat([bytes.subarray(0, 10), Buffer.alloc(10)]))
  await again.close()
})

t.test('random writes, reads, cuts and syncs agree with a plain array of bytes', async t => {
  const cluster = await startCluster(t)
  const writer = await cluster.client({ dirtyBytesMax: 2 * MiB, readCacheBytesMax: MiB })
  const reader = await cluster.client()
  for (let seed = 1; seed <= 3; seed++) {
    const random = new SeededRandom(seed)
    const below = (max: number) => Math.floor(random.next() * max)
    const file = await create(writer, `random${seed}`)
    let expected = Buffer.alloc(0)
    const reach = 4 * MiB
    for (let step = 0; step < 150; step++) {
      const offset = below(reach)
      const kind = below(20)
      if (kind < 10) {
        const data = Buffer.alloc(1 + below([20, 4 * KiB, 200 * KiB, 1.5 * MiB][below(4)] ?? 20), 1 + below(255))
        await file.write(offset, data)
        const grown = Buffer.alloc(Math.max(expected.length, offset + data.length))
        expected.copy(grown)
        data.copy(grown, offset)
        expected = grown
      } else if (kind < 16) {
        const length = 1 + below(500 * KiB)
        const got = Buffer.concat(await file.read(offset, length))
        if (!got.equals(expected.subarray(offset, offset + length))) t.fail(`seed ${seed}, step ${step}: wrong bytes`)
      } else if (kind < 17) await file.flush()
      else if (kind < 18) await file.sync()
      else if (kind < 19) {
        await writer.setAttributes(file.ino, { size: offset })
        const cut = Buffer.alloc(offset)
        expected.copy(cut)
        expected = cut
      } else t.equal((await writer.getAttributes(file.ino)).size, expected.length)
    }
    await file.close()
    const other = await reader.open(file.ino, { read: true, write: false })
    t.ok((await readAll(other, expected.length)).equals(expected), `seed ${seed}: as another client sees it`)
    t.equal((await reader.getAttributes(file.ino)).size, expected.length)
    await other.close()
  }
})

t.test('appends of all handles of a client follow one another', async t => {
  const fileSystem = await (await startCluster(t)).client()
  const file = await create(fileSystem, 'log')
  const appends = await Promise.all([1, 2, 3].map(() => fileSystem.open(file.ino, { ...readWrite, append: true })))
  const writes = Array.from({ length: 60 }, (_, at) => appends[at % 3]?.write(0, Buffer.alloc(1000, at)))
  await Promise.all(writes)
  await file.flush()
  const bytes = await readAll(file, 100_000)
  t.equal(bytes.length, 60_000)
  const seen = Array.from({ length: 60 }, (_, at) => bytes[at * 1000] ?? -1)
  t.same(
    seen.sort((a, b) => a - b),
    Array.from({ length: 60 }, (_, at) => at),
    'each once, none torn',
  )
  await Promise.all([file, ...appends].map(handle => handle.close()))
})

t.test('what is shown while a write is under way is not to be kept, and does not change by its arrival', async t => {
  const fileSystem = await (await startCluster(t)).client()
  const file = await create(fileSystem, 'fresh')
  await file.write(0, Buffer.from('bytes'))
  const { unsettled, allocatedBytes: _, ...before } = await fileSystem.getAttributes(file.ino)
  t.equal(unsettled, true)
  await file.flush()
  const { allocatedBytes, ...after } = await fileSystem.getAttributes(file.ino)
  t.same(after, before)
  t.ok(allocatedBytes >= 0)
  await file.close()
})

t.test(
  'opening to truncate takes bytes that have not been pushed yet, and moves the times of an empty file',
  async t => {
    const fileSystem = await (await startCluster(t)).client()
    const file = await create(fileSystem, 'dirty')
    await file.write(0, Buffer.from('bytes'))
    const again = await fileSystem.open(file.ino, { ...readWrite, truncate: true })
    t.equal((await fileSystem.getAttributes(file.ino)).size, 0)
    const { mtime } = await fileSystem.getAttributes(file.ino)
    const third = await fileSystem.open(file.ino, { ...readWrite, truncate: true })
    t.notSame((await fileSystem.getAttributes(file.ino)).mtime, mtime)
    await Promise.all([file, again, third].map(handle => handle.close()))
  },
)

t.test('an unlinked file that is open keeps its bytes until the last handle is closed', async t => {
  const cluster = await startCluster(t)
  const fileSystem = await cluster.client()
  const file = await create(fileSystem, 'gone')
  await file.write(0, Buffer.from('still here'))
  await file.flush()
  await fileSystem.unlink(root, Buffer.from('gone'))
  await t.rejects(fileSystem.lookup(root, Buffer.from('gone')), { code: 'NOT_FOUND' })
  await file.write(10, Buffer.from('!'))
  t.equal((await fileSystem.getAttributes(file.ino)).nlink, 0)
  t.equal(String(Buffer.concat(await file.read(0, 100))), 'still here!')
  await file.close()
  await t.rejects((await cluster.client()).getAttributes(file.ino), { code: 'NOT_FOUND' })
})

t.test('one client sees at once what another has changed', async t => {
  const cluster = await startCluster(t)
  const [one, two] = [await pathClient(cluster), await pathClient(cluster)]
  await one.mkdir('/d')
  for (const name of ['a', 'b', 'c']) await one.writeFile(`/d/${name}`, name)
  t.same(await two.readdir('/d'), ['a', 'b', 'c'])
  t.notOk(await two.exists('/d/x'), 'an absence is remembered')
  await one.rename('/d/a', '/d/x')
  t.ok(await two.exists('/d/x'))
  t.same(await two.readdir('/d'), ['b', 'c', 'x'])
  await one.chmod('/d/b', 0o600)
  t.equal((await two.stat('/d/b')).mode & 0o777, 0o600)
  await one.rm('/d', { recursive: true })
  t.notOk(await two.exists('/d'))
})

t.test('times that a program sets stay, whatever is still to be pushed', async t => {
  const cluster = await startCluster(t)
  const fileSystem = await cluster.client()
  const file = await create(fileSystem, 'times')
  await file.write(0, Buffer.from('data'))
  const mtime = { seconds: 12345, nanos: 678 }
  await fileSystem.setAttributes(file.ino, { mtime })
  t.same((await fileSystem.getAttributes(file.ino)).mtime, mtime)
  await file.close()
  t.same((await (await cluster.client()).getAttributes(file.ino)).mtime, mtime)
})

t.test('the loss of every stream is survived', async t => {
  const cluster = await startCluster(t)
  const fileSystem = await cluster.client()
  const file = await create(fileSystem, 'file')
  const bytes = randomBytes(5 * MiB)
  const writing = (async () => {
    for (let at = 0; at < bytes.length; at += 128 * KiB) await file.write(at, bytes.subarray(at, at + 128 * KiB))
    await file.sync()
  })()
  for (let round = 0; round < 3; round++) {
    await new Promise(resolve => setImmediate(resolve))
    for (const { address } of [...cluster.servers, cluster.master]) cluster.control.reset(address)
    for (const { dataAddress } of cluster.servers) cluster.data.reset(dataAddress)
  }
  await writing
  const other = await (await cluster.client()).open(file.ino, { read: true, write: false })
  t.ok((await readAll(other, bytes.length)).equals(bytes))
  await file.close()
})

t.test('a program that ends with dirty bytes loses none if it closes its client', async t => {
  const cluster = await startCluster(t)
  const fileSystem = await cluster.client()
  const file = await create(fileSystem, 'dirty')
  await file.write(0, Buffer.from('flushed by close'))
  await fileSystem.close()
  const reader = await pathClient(cluster)
  t.equal(await reader.readFile('/dirty', 'utf8'), 'flushed by close')
})

t.test('appends of several clients to one file are all there, whole', async t => {
  const cluster = await startCluster(t)
  const systems = [await cluster.client(), await cluster.client(), await cluster.client()]
  const lines: string[] = []
  const begun = await create(systems[0] as FileSystem, 'log')
  await begun.close()
  await Promise.all(
    systems.map(async (system, writer) => {
      const log = await system.open(begun.ino, { read: false, write: true, append: true })
      for (let n = 0; n < 40; n++) {
        const line = `writer ${writer}, line ${n}\n`
        lines.push(line)
        await log.write(0, Buffer.from(line))
        if (n % 7 === writer) await log.flush()
      }
      await log.close()
    }),
  )
  const reader = await (await cluster.client()).open(begun.ino, { read: true, write: false })
  const found = (await readAll(reader, lines.join('').length + 1)).toString().split(/(?<=\n)/)
  t.same(found.sort(), lines.sort())
})

/** A network on which nothing that a client reports of its writes comes to the master before release(). */
function withoutReports(control: ControlNetwork) {
  let holding = true
  const held: (() => void)[] = []
  const first = deferred<void>()
  const isReport = (sent: unknown) => {
    const { message } = sent as ClientToMaster
    return message?.$case === 'request' && message.value.operation?.$case === 'written'
  }
  const open: (peer: ControlPeer) => ControlPeer['open'] = peer => method => {
    const stream = peer.open(method)
    const send = stream.send.bind(stream)
    stream.send = message => {
      if (!holding || !isReport(message)) return send(message)
      held.push(() => send(message))
      first.resolve()
    }
    return stream
  }
  const network: ControlNetwork = {
    serve: (listen, handlers) => control.serve(listen, handlers),
    probe: (address, timeoutMs) => control.probe(address, timeoutMs),
    connect(address) {
      const peer = control.connect(address)
      return { address, call: peer.call.bind(peer), open: open(peer), close: () => peer.close() }
    },
  }
  const release = () => {
    holding = false
    for (const send of held.splice(0)) send()
  }
  return { network, release, /** Something is to be reported. */ first: first.promise }
}

/** Makes a file of five bytes that nobody has open. */
async function makeClosed(cluster: Cluster, name: string): Promise<Ino> {
  const fileSystem = await cluster.client()
  const file = await create(fileSystem, name)
  await file.write(0, Buffer.from('known'))
  await file.close()
  await fileSystem.close()
  return file.ino
}

t.test('what a client that died has written beyond the end reads as zeros when the file grows', async t => {
  const cluster = await startCluster(t)
  const names = ['truncated', 'written', 'allocated']
  const inos = await Promise.all(names.map(name => makeClosed(cluster, name)))
  const dying = await cluster.client({ control: withoutReports(cluster.control).network, timeoutMs: 500 })
  for (const ino of inos) await (await dying.open(ino, readWrite)).write(5, Buffer.alloc(30 * KiB, 'untold '))
  await t.rejects(dying.close(), { code: 'TIMEOUT' })

  const fileSystem = await cluster.client()
  const [truncated, written, allocated] = (await Promise.all(inos.map(ino => fileSystem.open(ino, readWrite)))) as [
    OpenFile,
    OpenFile,
    OpenFile,
  ]
  const size = 20 * KiB
  await fileSystem.setAttributes(truncated.ino, { size })
  await written.write(size - 1, Buffer.alloc(1))
  await allocated.allocate(0, size)
  await fileSystem.setAttributes(allocated.ino, { size })
  const expected = Buffer.concat([Buffer.from('known'), Buffer.alloc(size - 5)])
  const reader = await cluster.client()
  for (const file of [truncated, written, allocated]) {
    await file.close()
    t.ok((await readAll(await reader.open(file.ino, readWrite), size)).equals(expected))
  }
})

t.test('what a living client is about to report is not cut when another makes the file longer', async t => {
  const cluster = await startCluster(t)
  const ino = await makeClosed(cluster, 'shared')
  const { network, release, first } = withoutReports(cluster.control)
  const slow = await (await cluster.client({ control: network })).open(ino, readWrite)
  await slow.write(5, Buffer.from(' and told later'))
  const flushing = slow.flush()
  const fileSystem = await cluster.client()
  await first
  await fileSystem.setAttributes(ino, { size: 100 })
  release()
  await flushing
  const file = await (await cluster.client()).open(ino, readWrite)
  t.equal((await readAll(file, 100)).toString(), `known and told later${'\0'.repeat(80)}`)
})
