// The first message of a client's stream, and what its end means.

import type { Clock } from '../../base/clock.js'
import { LeasefsError } from '../../base/errors.js'
import type { Warner } from '../../base/log-limit.js'
import { clientLeaseMs, formatVersion } from '../../constants.js'
import type { ClientHello, ClientToMaster } from '../../wire/gen/client.js'
import type { ClusterId, SessionId } from '../../wire/ids.js'
import type { ClientSession, ClientStream } from './client-session.js'
import { helloMs } from './limits.js'

/** The sessions, as a stream sees them. */
export interface Reception {
  readonly clusterId: ClusterId
  readonly clock: Clock
  readonly warner: Warner

  /** A new session. @throws LeasefsError UNAVAILABLE, NO_SPACE, IO */
  begin(description: string): Promise<ClientSession>

  /** @throws LeasefsError SESSION_LOST */
  resume(id: SessionId): ClientSession

  /** The session has no stream any more. */
  lost(session: ClientSession, reason: LeasefsError): void

  /** The client leaves. */
  leave(session: ClientSession): void
}

/** Takes a client's stream: whatever it sends, only the stream can suffer by it. */
export function receiveClient(stream: ClientStream, reception: Reception): void {
  let session: ClientSession | undefined
  let ended: LeasefsError | undefined
  let greeted = false
  const cancel = reception.clock.after(helloMs, () => stream.close(new LeasefsError('TIMEOUT', 'no hello')))

  const receive = (message: ClientToMaster['message']) => {
    if (!message) throw new LeasefsError('INVALID_ARGUMENT', 'a message of a kind this master does not know')
    if (session && message.$case === 'goodbye') reception.leave(session)
    else if (session) session.receive(message)
    else if (greeted || message.$case !== 'hello') throw new LeasefsError('INVALID_ARGUMENT', 'not welcomed yet')
    else {
      greeted = true
      cancel()
      const welcomed = (begun: ClientSession) => {
        session = begun
      }
      void greet(stream, message.value, reception, welcomed).then(() => {
        if (ended && session?.detach(stream)) reception.lost(session, ended)
      })
    }
  }

  stream.onMessage(({ message }) => {
    try {
      receive(message)
    } catch (reason) {
      if (!(reason instanceof LeasefsError)) throw reason
      reception.warner.warn({ err: reason, peer: stream.peer, sessionId: session?.id }, 'a client is cut off')
      stream.close(reason)
    }
  })
  stream.onClose(reason => {
    cancel()
    ended = reason
    if (session?.detach(stream)) reception.lost(session, reason)
  })
}

/** Welcomes the client, or says why not and ends the stream. `welcomed` hears first: requests follow the welcome at once. */
async function greet(
  stream: ClientStream,
  hello: ClientHello,
  reception: Reception,
  welcomed: (session: ClientSession) => void,
): Promise<void> {
  const { clusterId } = reception
  const welcome = { clusterId, sessionId: 0, resumed: false, clientLeaseMs, failure: undefined }
  try {
    checkHello(hello, clusterId)
    const resumed = hello.sessionId !== 0
    const session = resumed ? reception.resume(hello.sessionId as SessionId) : await reception.begin(hello.description)
    welcomed(session)
    stream.send({ message: { $case: 'welcome', value: { ...welcome, sessionId: session.id, resumed } } })
    session.attach(stream)
  } catch (reason) {
    if (!(reason instanceof LeasefsError)) throw reason
    const { code, message } = reason
    reception.warner.warn({ err: reason, peer: stream.peer }, 'a client is not welcome')
    stream.send({ message: { $case: 'welcome', value: { ...welcome, failure: { code, message } } } })
    stream.close(reason)
  }
}

/** @throws LeasefsError WRONG_CLUSTER, NEWER_FORMAT, NOT_SUPPORTED */
function checkHello(hello: ClientHello, clusterId: ClusterId): void {
  if (hello.clusterId !== '' && hello.clusterId !== clusterId) {
    throw new LeasefsError('WRONG_CLUSTER', `this is cluster ${clusterId}, not ${hello.clusterId.slice(0, 64)}`)
  }
  if (hello.formatVersion === formatVersion) return
  const code = hello.formatVersion > formatVersion ? 'NEWER_FORMAT' : 'NOT_SUPPORTED'
  throw new LeasefsError(code, `the client speaks version ${hello.formatVersion}, the master ${formatVersion}`)
}
