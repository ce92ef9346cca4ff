// fio --verify: every block says where it belongs and has a checksum; what one
// mount writes is verified through another.

import t from 'tap'
import { Bench, cannotRun, type Places, run } from './harness.js'

const common =
  '--name=job --filename=data --verify=crc32c --verify_fatal=1 --randrepeat=1 --group_reporting=1 --output-format=terse --terse-version=3'

interface Job {
  readonly what: string
  readonly options: string
}

const jobs: readonly Job[] = [
  { what: 'sequential 1 MiB', options: '--rw=write --bs=1M --size=64M --ioengine=psync --end_fsync=1' },
  {
    what: 'sequential 64 KiB, past the page cache',
    options: '--rw=write --bs=64k --size=16M --ioengine=psync --direct=1',
  },
  { what: 'random 4 KiB', options: '--rw=randwrite --bs=4k --size=6M --ioengine=psync --end_fsync=1' },
  {
    what: 'random 4 KiB, past the page cache',
    options: '--rw=randwrite --bs=4k --size=2M --ioengine=psync --direct=1',
  },
  {
    what: 'random sizes of 512 bytes to 256 KiB',
    options: '--rw=randwrite --bsrange=512-256k --bs_unaligned=0 --size=16M --ioengine=psync --fsync=32',
  },
  {
    what: 'random 16 KiB through libaio, 8 at once',
    options: '--rw=randwrite --bs=16k --size=8M --ioengine=libaio --direct=1 --iodepth=8',
  },
  {
    what: 'random 4 KiB through a shared mapping',
    options: '--rw=randwrite --bs=4k --size=4M --ioengine=mmap --fsync=256',
  },
]

if (cannotRun) t.plan(0, cannotRun)
else {
  const bench = await Bench.start(t, 2)

  for (const { what, options } of jobs) {
    bench.test(t, `${what}: written, verified at once, and on another mount`, async (t, { mount, ...places }) => {
      await mount(`fio ${common} ${options} > result; test "$(cut -d';' -f5 result)" = 0`)
      const verify = `fio ${common} ${options} --verify_only`
      await mount(verify)
      await onOther(t, places, verify)
      t.pass('no block is other than it was written')
    })
  }

  bench.test(t, 'a damaged block is found, so that fio does look', async (t, { mount, ...places }) => {
    const job = `fio ${common} --rw=write --bs=4k --size=1M --ioengine=psync`
    await mount(job)
    await mount('printf damage | dd of=data bs=1 seek=500000 conv=notrunc status=none')
    await t.rejects(mount(`${job} --verify_only`), /ended with|verify/)
    await t.rejects(onOther(t, places, `${job} --verify_only`), /ended with|verify/)
  })

  async function onOther(t: Parameters<typeof run>[0], places: Omit<Places, 'mount'>, script: string): Promise<void> {
    const [first = '', second = ''] = bench.mountPoints
    await run(t, script, places.mountDirectory.replace(first, second), places.scratch)
  }
}
