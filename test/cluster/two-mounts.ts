import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { appendFile, mkdir, open, readFile, rename, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { cannotMount, shell, startCluster } from './harness.js'

t.test('two mounts of one cluster', { skip: cannotMount }, async t => {
  const cluster = await startCluster(t, { mounts: 2 })
  const [one = '', two = ''] = cluster.mountPoints

  await t.test('what one mount has closed, another opens whole', async t => {
    const file = 'shared'

    for (let round = 0; round < 10; round++) {
      const [writer, reader] = round % 2 === 0 ? [one, two] : [two, one]
      const text = randomBytes(Math.floor(3 ** round * 50))
      await writeFile(join(writer, file), text)
      t.ok(text.equals(readFileSync(join(reader, file))), `${text.length} bytes, round ${round}`)
      t.equal(statSync(join(reader, file)).size, text.length)
    }

    await writeFile(join(one, file), 'begin')
    for (let round = 0; round < 20; round++) await appendFile(join(round % 2 === 0 ? two : one, file), `,${round}`)
    const whole = `begin,${Array.from({ length: 20 }, (_, i) => i).join(',')}`
    t.equal(await readFile(join(one, file), 'utf8'), whole, 'appends in turn lose nothing')
    t.equal(await readFile(join(two, file), 'utf8'), whole)

    await truncate(join(two, file), 5)
    t.equal(readFileSync(join(one, file), 'utf8'), 'begin')
  })

  await t.test('programs on two mounts append to one file at once, and every line is there', async t => {
    const lines = (who: string, count: number) => Array.from({ length: count }, (_, i) => `${who} ${i}`)
    const each = (who: string, count: number) => `for i in $(seq 0 ${count - 1}); do echo "${who} $i"`
    await Promise.all([
      shell(one, `${each('opens', 40)} >> log; done`),
      shell(two, `${each('opens-too', 40)} >> log; done`),
      shell(one, `${each('keeps', 300)}; done >> log`),
      shell(two, `${each('keeps-too', 300)}; done >> log`),
    ])
    const all = [...lines('opens', 40), ...lines('opens-too', 40), ...lines('keeps', 300), ...lines('keeps-too', 300)]
    for (const mount of [one, two]) {
      const found = readFileSync(join(mount, 'log'), 'utf8').trimEnd().split('\n')
      t.same(found.toSorted(), all.toSorted())
      t.same(
        found.filter(line => line.startsWith('keeps ')),
        lines('keeps', 300),
        'in the order of who wrote them',
      )
    }
  })

  await t.test('what is appended stays in one piece, wherever it comes to lie', async t => {
    const count = 80
    const line = (who: number, i: number) => `${who} ${i} `.padEnd(1499, `${who}`)
    await Promise.all(
      cluster.mountPoints.map(async (mountPoint, who) => {
        const file = await open(join(mountPoint, 'pieces'), 'a')
        for (let i = 0; i < count; i++) await file.write(`${line(who, i)}\n`)
        await file.close()
      }),
    )
    const all = [0, 1].flatMap(who => Array.from({ length: count }, (_, i) => line(who, i)))
    for (const mount of cluster.mountPoints) {
      const found = readFileSync(join(mount, 'pieces'), 'utf8').trimEnd().split('\n')
      t.same(
        found.filter(line => !all.includes(line)).map(line => line.length),
        [],
        'no line is in pieces',
      )
      t.equal(found.length, all.length)
    }
  })

  await t.test('names that one mount changes are changed for the other', async t => {
    await mkdir(join(one, 'dir'))
    t.same(readdirSync(join(two, 'dir')), [])
    await writeFile(join(two, 'dir/a'), 'a')
    t.same(readdirSync(join(one, 'dir')), ['a'])
    await rename(join(one, 'dir/a'), join(one, 'b'))
    t.notOk(existsSync(join(two, 'dir/a')))
    t.equal(readFileSync(join(two, 'b'), 'utf8'), 'a')
    t.equal(statSync(join(one, 'b')).ino, statSync(join(two, 'b')).ino)
    await unlink(join(two, 'b'))
    t.notOk(existsSync(join(one, 'b')))
  })

  await t.test('a file one mount has open is not gone when the other unlinks it', async t => {
    await writeFile(join(one, 'kept'), 'still here')
    const file = await open(join(one, 'kept'), 'r+')
    await unlink(join(two, 'kept'))
    t.notOk(existsSync(join(two, 'kept')))
    const buffer = Buffer.alloc(100)
    await file.write(' and written', 10)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    t.equal(buffer.toString('utf8', 0, bytesRead), 'still here and written')
    await file.close()
    t.notOk(readdirSync(one).some(name => name.includes('kept')))
  })
})
