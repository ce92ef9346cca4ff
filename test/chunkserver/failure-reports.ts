import t from 'tap'
import { LeasefsError } from '../../src/base/errors.js'
import { SimulatedClock } from '../../src/base/simulated-clock.js'
import { FailureReports } from '../../src/chunkserver/failure-reports.js'
import { failureReportMs } from '../../src/chunkserver/limits.js'
import type { ReplicasFailed } from '../../src/wire/gen/chunkserver.js'
import type { ChunkHandle, LeaseId, ServerId } from '../../src/wire/ids.js'

const report = {
  handle: 5 as ChunkHandle,
  version: 2,
  leaseId: 3 as LeaseId,
  serverIds: ['s' as ServerId],
  reason: new LeasefsError('IO', 'the disk'),
}
const ack = { version: 3, secondaries: [], failure: undefined }

t.test('each report gets the answer with its number', async t => {
  const reports = new FailureReports(new SimulatedClock())
  const sent: ReplicasFailed[] = []
  const send = (message: ReplicasFailed) => sent.push(message) > 0
  const [one, two] = [reports.report(report, send), reports.report(report, send)]
  t.match(sent, [{ number: 1, handle: 5, version: 2, leaseId: 3, serverIds: ['s'], code: 'IO' }, { number: 2 }])
  const refused = t.rejects(one, { code: 'NOT_PRIMARY' })
  reports.answered({ ...ack, number: 2 })
  reports.answered({ ...ack, number: 1, failure: { code: 'NOT_PRIMARY', message: 'no' } })
  reports.answered({ ...ack, number: 9 })
  t.equal((await two).version, 3)
  await refused
})

t.test('without a session, when it is lost, and without an answer it fails', async t => {
  const clock = new SimulatedClock()
  const reports = new FailureReports(clock)
  await t.rejects(
    reports.report(report, () => false),
    { code: 'UNAVAILABLE' },
  )
  const lost = t.rejects(
    reports.report(report, () => true),
    { code: 'UNAVAILABLE' },
  )
  reports.lost(new LeasefsError('UNAVAILABLE', 'gone'))
  await lost
  const late = t.rejects(
    reports.report(report, () => true),
    { code: 'TIMEOUT' },
  )
  await clock.advance(failureReportMs)
  await late
})
