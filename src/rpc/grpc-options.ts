// How we use gRPC: one HTTP/2 connection for each peer, no proxies, no retries
// (they would copy every message), no name service beyond the machine's.

import {
  type ChannelOptions,
  type ClientOptions,
  logVerbosity,
  type ServerOptions,
  setLogVerbosity,
} from '@grpc/grpc-js'
import { messageSizeMax } from '../constants.js'
import { connectionIdleMs, connectionStreamsMax, flowControlWindow, keepaliveMs, keepaliveTimeoutMs } from './limits.js'

// What goes wrong reaches us as statuses; gRPC's own lines on stderr would only repeat it.
setLogVerbosity(logVerbosity.NONE)

const common: ChannelOptions = {
  'grpc.max_send_message_length': messageSizeMax,
  'grpc.max_receive_message_length': messageSizeMax,
  'grpc.keepalive_time_ms': keepaliveMs,
  'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
  'grpc.enable_channelz': 0,
  'grpc-node.flow_control_window': flowControlWindow,
}

export const clientOptions: ClientOptions = {
  ...common,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
}

export const serverOptions: ServerOptions = {
  ...common,
  'grpc.max_concurrent_streams': connectionStreamsMax,
  'grpc.max_connection_idle_ms': connectionIdleMs,
}
