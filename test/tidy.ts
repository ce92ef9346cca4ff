// The rules of the repository that a program can check. What each is for stands
// in docs/ARCHITECTURE.md ("Rooms") and docs/TESTING.md.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import t from 'tap'
import { version } from '../src/cli/version.js'

/** Who may import whom, besides `base` and `constants`, which are for all. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  base: [],
  constants: [],
  wire: [],
  rpc: ['wire'],
  dataplane: ['wire'],
  // File bytes never pass the master: it does not know the data plane.
  master: ['rpc', 'wire'],
  chunkserver: ['rpc', 'dataplane', 'wire'],
  client: ['rpc', 'dataplane', 'wire'],
  fuse: ['client'],
  cli: ['wire', 'rpc', 'dataplane', 'master', 'chunkserver', 'client', 'fuse'],
}

/** Packages, and the only places that may know them. */
const packages: Readonly<Record<string, readonly string[]>> = {
  '@bufbuild/protobuf': ['src/wire/gen/'],
  '@grpc/grpc-js': ['src/rpc/', 'src/wire/gen/'],
  '@node-rs/crc32': [
    'src/wire/',
    'src/dataplane/',
    'src/chunkserver/',
    'src/master/journal/',
    'src/master/snapshots/',
    'src/client/',
  ],
  commander: ['src/cli/'],
  'fuse-native': ['src/fuse/bindings/fuse-native/'],
  lmdb: ['src/master/state/'],
  'lru-cache': ['src/client/', 'src/master/', 'src/chunkserver/'],
  pino: ['src/base/log.ts'],
}

/** What would make a run depend on more than its inputs, and the only places for it. */
const banned: readonly [call: RegExp, instead: string, allowed: readonly string[]][] = [
  [/\bDate\.now\(|\bnew Date\(\)/, 'Clock', ['src/base/clock.ts', 'src/cli/']],
  [/\b(setTimeout|setInterval)\(/, 'Clock', ['src/base/clock.ts', 'src/cli/']],
  [/\bMath\.random\(/, 'Random', []],
  [/\bprocess\.(env|argv|exit|stdout|stdin)\b/, 'options', ['src/cli/']],
  [/\bconsole\./, 'Logger', []],
]

const fileLinesMax = 400

const everything = ['src', 'test', 'bench'].flatMap(filesBelow)
const sources = everything.filter(file => /^src\/(?!wire\/gen\/).*\.ts$/.test(file))

t.test('a room imports only what it may', async t => {
  for (const file of sources) {
    const room = roomOf(file)
    const allowed = [room, 'base', 'constants', ...(rooms[room] ?? [])]
    t.ok(rooms[room], `${file} is in a known room`)
    for (const target of importsOf(file)) {
      if (!target.startsWith('.')) continue
      const other = roomOf(join(dirname(file), target))
      if (!allowed.includes(other)) t.fail(`${file} imports from ${other}`)
    }
    if (room === 'base' && importsOf(file).some(target => target.startsWith('../'))) t.fail(`${file} leaves base`)
  }
})

t.test('a package is known only where it belongs', async t => {
  const known = Object.keys(packages)
  for (const file of everything.filter(file => /^src\/.*\.ts$/.test(file))) {
    for (const target of importsOf(file)) {
      if (target.startsWith('.') || target.startsWith('node:')) continue
      const name = known.find(name => target === name || target.startsWith(`${name}/`))
      if (!name || !packages[name]?.some(place => file.startsWith(place))) t.fail(`${file} imports ${target}`)
    }
  }
  t.same(Object.keys(packageJson().dependencies).sort(), known.sort(), 'the table is complete')
})

t.test('time, chance and surroundings come in from outside', async t => {
  for (const file of sources) {
    for (const [call, instead, allowed] of banned) {
      if (allowed.some(place => file.startsWith(place))) continue
      const line = code(file).findIndex(line => call.test(line))
      t.equal(line, -1, `${file}: ${call} is not used, ${instead} is`)
    }
  }
})

t.test('no file is too long to hold in the head', async t => {
  for (const file of everything.filter(file => !file.startsWith('src/wire/gen/'))) {
    const lines = read(file).split('\n').length - 1
    if (lines > fileLinesMax) t.fail(`${file} has ${lines} lines, at most ${fileLinesMax} are allowed`)
  }
})

t.test('nothing is left over', async t => {
  const marks = ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')
  const leftover = new RegExp(`\\b(${marks})\\b|\\bdebugger\\b|\\bt(est)?\\.(only|todo)\\(|todo: true`)
  for (const file of [...everything, ...filesBelow('bin')]) {
    const line = read(file)
      .split('\n')
      .findIndex(line => leftover.test(line))
    if (line >= 0 && file !== 'test/tidy.ts') t.fail(`${file}:${line + 1} has a leftover`)
  }
})

/** Sources with code that another file's test covers, and which. */
const testedBy: Readonly<Record<string, string>> = {
  'src/chunkserver/mutations/commit-stream.ts': 'test/chunkserver/mutations/commits.ts',
  'src/chunkserver/parts.ts': 'test/chunkserver/daemon.ts',
  'src/chunkserver/replica.ts': 'test/chunkserver/commands.ts',
  'src/chunkserver/store/file-checksums.ts': 'test/chunkserver/store/disk-store.ts',
  'src/chunkserver/store/header-writer.ts': 'test/chunkserver/store/replica-file.ts',
  'src/chunkserver/store/old-blocks.ts': 'test/chunkserver/store/disk-store.ts',
  'src/chunkserver/store/shared-sync.ts': 'test/chunkserver/store/replica-file.ts',
  'src/chunkserver/store/replica-record.ts': 'test/chunkserver/store/disk-store.ts',
  'src/chunkserver/store/scan.ts': 'test/chunkserver/store/disk-store.ts',
  'src/cli/admin.ts': 'test/cluster/admin.ts',
  'src/cli/backup.ts': 'test/cluster/backup.ts',
  'src/cli/child.ts': 'test/cli/up.ts',
  'src/cli/control/ask.ts': 'test/cli/control/server.ts',
  'src/cli/control/control-mount.ts': 'test/cluster/umount.ts',
  'src/cli/control/end-processes.ts': 'test/cluster/umount.ts',
  'src/cli/control/host-mounts.ts': 'test/cluster/umount.ts',
  'src/cli/file-argument.ts': 'test/cluster/admin.ts',
  'src/cli/leasefs.ts': 'test/cluster/admin.ts',
  'src/cli/local-cluster.ts': 'test/cli/up.ts',
  'src/cli/master-option.ts': 'test/cluster/admin.ts',
  'src/cli/mount-worker.ts': 'test/cli/mount.ts',
  'src/cli/program.ts': 'test/cli/master.ts',
  'src/cli/repair.ts': 'test/cluster/repair.ts',
  'src/cli/scrub.ts': 'test/cluster/damage.ts',
  'src/cli/restore.ts': 'test/cluster/backup.ts',
  'src/cli/unmount-watch.ts': 'test/cluster/umount.ts',
  'src/cli/unmounting.ts': 'test/cluster/umount.ts',
  'src/fuse/bindings/kernel/context.ts': 'test/fuse/bindings/kernel/name-calls.ts',
  'src/fuse/bindings/kernel/device.ts': 'test/fuse/mount.ts',
  'src/fuse/bindings/kernel/index.ts': 'test/fuse/mount.ts',
  'src/master/check/check-chunks.ts': 'test/master/check/check-state.ts',
  'src/master/check/check-entries.ts': 'test/master/check/check-state.ts',
  'src/master/check/check-inodes.ts': 'test/master/check/check-state.ts',
  'src/master/check/check-meta.ts': 'test/master/check/check-state.ts',
  'src/master/check/check-reachable.ts': 'test/master/check/check-state.ts',
  'src/master/check/check-sessions.ts': 'test/master/check/check-state.ts',
  'src/master/check/finding.ts': 'test/master/check/check-state.ts',
  'src/master/check/mend.ts': 'test/master/ops/mend.ts',
  'src/master/check/seen.ts': 'test/master/check/check-state.ts',
  'src/master/check/tables.ts': 'test/master/check/check-state.ts',
  'src/chunkserver/inspection/list-replicas.ts': 'test/chunkserver/inspection/verify-replicas.ts',
  'src/master/chunks/mend-replica.ts': 'test/master/chunks/mending.ts',
  'src/master/chunks/repair/drains.ts': 'test/master/chunks/repair/care.ts',
  'src/master/chunks/repair/move.ts': 'test/master/chunks/repair/care.ts',
  'src/master/chunks/repair/repairs.ts': 'test/master/chunks/repair/care.ts',
  'src/master/chunks/repair/surplus.ts': 'test/master/chunks/repair/care.ts',
  'src/master/chunks/repair/view.ts': 'test/master/chunks/repair/care.ts',
  'src/master/check/directory/check-journal.ts': 'test/master/check/directory/check-directory.ts',
  'src/master/check/directory/check-snapshots.ts': 'test/master/check/directory/check-directory.ts',
  'src/master/check/directory/check-store.ts': 'test/master/check/directory/check-directory.ts',
  'src/master/storage-paths.ts': 'test/master/storage.ts',
  'src/master/fsck/ask.ts': 'test/master/fsck/compare.ts',
  'src/master/fsck/chunk-health.ts': 'test/cluster/fsck.ts',
  'src/master/fsck/repair.ts': 'test/cluster/fsck.ts',
  'src/master/fsck/run.ts': 'test/cluster/fsck.ts',
  'src/master/fsck/server-lists.ts': 'test/cluster/fsck.ts',
  'src/rpc/control-network.ts': 'test/suites/control-network.ts',
}

t.test('each source has its test', async t => {
  for (const file of sources) {
    const test = file.replace(/^src/, 'test')
    const other = testedBy[file]
    if (other !== undefined) {
      t.ok(existsSync(other), `${file} is tested by ${other}`)
      t.notOk(existsSync(test), `${file} needs no exemption`)
    } else if (hasCode(file)) {
      t.ok(existsSync(test), `${file} has ${test}`)
    }
  }
})

t.test('a document has one title', async t => {
  const documents = [...filesBelow('docs'), 'README.md', 'CHANGELOG.md', 'native-deps.md']
  for (const file of documents.filter(file => file.endsWith('.md'))) {
    const prose = read(file).replaceAll(/^```[\s\S]*?^```/gm, '')
    t.equal(prose.match(/^# /gm)?.length, 1, file)
  }
})

t.test('the programs are three lines that call cli/', async t => {
  for (const name of Object.keys(packageJson().bin)) {
    t.match(
      read(`bin/${name}`),
      /^#!\/usr\/bin\/env (?:node|-S node --single-threaded-gc)\n\/\/ src\/cli\/.*\nrequire\('\.\/run\.js'\)\.run\('.*'\)\n$/,
      name,
    )
  }
})

t.test('the version stands in two places, and is one', async t => {
  t.equal(version, packageJson().version)
})

t.test('the sources are as the formatter and the linter want them', async t => {
  const { status, stdout, stderr } = spawnSync('node_modules/.bin/biome', ['check', '--colors=off'], {
    encoding: 'utf8',
  })
  t.equal(status === 0 ? '' : stdout + stderr, '')
})

const noProtoc = spawnSync('protoc', ['--version']).status !== 0 && 'protoc is not installed'

t.test('the generated messages are up to date', { skip: noProtoc }, async t => {
  const out = relative('.', join(t.testdir(), 'gen'))
  mkdirSync(out)
  const command = packageJson().scripts.gen.replace('ts_proto_out=src/wire/gen', `ts_proto_out=${out}`)
  execFileSync('sh', ['-c', command])
  t.same(readdirSync(out).sort(), readdirSync('src/wire/gen').sort())
  for (const name of readdirSync(out)) {
    t.ok(messages(`${out}/${name}`) === messages(`src/wire/gen/${name}`), `src/wire/gen/${name}: else npm run gen`)
  }
})

/** Without the head, which names the versions of the generators. */
function messages(file: string): string {
  return read(file).replaceAll(/^\/\/.*\n/gm, '')
}

/** More than types, constants and what is exported from elsewhere. */
function hasCode(file: string): boolean {
  const js = read(`dist/${file.replace(/\.ts$/, '.js')}`)
  return /^(export )?(default )?(async )?(function|class)\b|=>/m.test(js.replaceAll(/^\s*\/\/.*$/gm, ''))
}

function packageJson(): {
  version: string
  bin: Record<string, string>
  scripts: Record<string, string> & { gen: string }
  dependencies: Record<string, string>
} {
  return JSON.parse(read('package.json'))
}

function importsOf(file: string): string[] {
  return [
    ...code(file)
      .join('\n')
      .matchAll(/(?:from|import\()\s*'([^']+)'/g),
  ].map(match => match[1] ?? '')
}

/** Lines with comments blanked. */
function code(file: string): string[] {
  return read(file)
    .replaceAll(/\/\*[\s\S]*?\*\//g, text => text.replaceAll(/[^\n]/g, ' '))
    .split('\n')
    .map(line => line.replace(/\/\/.*$/, ''))
}

function roomOf(file: string): string {
  const [, room = ''] = file.split('/')
  return basename(room).replace(/\.(ts|js)$/, '')
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => !file.split('/').includes('.tap'))
}

function read(file: string): string {
  return readFileSync(file, 'utf8')
}
