import t from 'tap'
import { refuses } from '../cluster/harness.js'

t.test('what is no mount of leasefs is refused, with one line', async t => {
  const directory = t.testdir()
  const cases: [args: string[], why: RegExp][] = [
    [[], /missing required argument 'directory'/],
    [[directory], /no mount of leasefs is on/],
    [['/proc'], /no mount of leasefs is on \/proc/],
    [['/none/such'], /no such file or directory/],
    [[directory, '--force', '--lazy'], /cannot be used with/],
    [[directory, '--wait', 'x'], /Expected a time/],
  ]
  for (const [args, why] of cases) await refuses(t, 'leasefs', ['umount', ...args], why)
})
