import { randomBytes } from 'node:crypto'
import { decode, encode as pack, ExtData } from '@msgpack/msgpack'
import { badRequest } from '../../errors.js'
import type { LogDriver } from '../driver.js'
import { parseLogCount, parseLogDuration, parseLogFlag, parseLogSize } from '../sizes.js'
import { attributesOf, tagOf, type LogSource } from '../source.js'
import { nanosOf } from '../timestamp.js'
import { parseHostPort, splitAddress } from './addresses.js'
import { RemoteSink } from './remote-sink.js'
import { StreamTransport, type StreamTarget } from './stream-transport.js'

type Config = Readonly<Record<string, string>>

/**
 * The forward protocol of Fluentd and Fluent Bit, over TCP, TLS or a unix socket
 * (https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1).
 */
export const fluentd: LogDriver = {
  options: [
    'fluentd-address',
    'fluentd-async',
    'fluentd-async-reconnect-interval',
    'fluentd-buffer-limit',
    'fluentd-max-retries',
    'fluentd-read-timeout',
    'fluentd-request-ack',
    'fluentd-retry-wait',
    'fluentd-sub-second-precision',
    'fluentd-write-timeout',
  ],
  unknown: (option) => `unknown log opt '${option}' for fluentd log driver`,
  check: (config) => void settingsOf(config),
  open(source, { onError }) {
    const settings = settingsOf(source.config)
    const { target, isPrecise, asksAnswer } = settings
    const name = `fluentd at ${'path' in target ? target.path : `${target.host}:${target.port}`}`
    let chunk = ''
    const transport = new StreamTransport(target, {
      pack(messages) {
        chunk = randomBytes(16).toString('base64')
        return packed(tagOf(source), messages, asksAnswer ? chunk : undefined)
      },
      isAnswer: asksAnswer ? (received) => isAnswerTo(chunk, received) : undefined,
      timeoutMs: settings.timeoutMs,
      mostAgeMs: settings.mostAgeMs,
    })
    const encode = entryEncoder(source, isPrecise)
    return { sink: new RemoteSink({ ...settings.patience, name, transport, encode, onError }) }
  },
}

function entryEncoder(
  source: LogSource,
  isPrecise: boolean,
): ConstructorParameters<typeof RemoteSink>[0]['encode'] {
  return (line, { stream, time, part }) => {
    const nanos = nanosOf(time)
    const entry = {
      container_id: source.id,
      container_name: `/${source.name}`,
      source: stream,
      log: line,
      ...attributesOf(source),
      ...(part && {
        partial_message: 'true',
        partial_id: part.id,
        partial_ordinal: String(part.ordinal),
        partial_last: String(part.last),
      }),
    }
    return Buffer.from(pack([isPrecise ? eventTime(nanos) : Number(nanos / 1_000_000_000n), entry]))
  }
}

/** Type 0 of the protocol's extensions: seconds and nanoseconds. */
function eventTime(nanos: bigint): ExtData {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(Number(nanos / 1_000_000_000n), 0)
  bytes.writeUInt32BE(Number(nanos % 1_000_000_000n), 4)
  return new ExtData(0, bytes)
}

/** Entries in the protocol's PackedForward mode: they are one after the other already. */
function packed(tag: string, entries: readonly Buffer[], chunk: string | undefined): Buffer {
  const option = { size: entries.length, ...(chunk !== undefined && { chunk }) }
  return Buffer.from(pack([tag, Buffer.concat(entries), option]))
}

function isAnswerTo(chunk: string, received: Buffer): boolean {
  try {
    return (decode(received) as { readonly ack?: unknown } | null)?.ack === chunk
  } catch {
    return false // not all of it has come
  }
}

interface Settings {
  readonly target: StreamTarget
  readonly isPrecise: boolean
  readonly asksAnswer: boolean
  readonly timeoutMs: number | undefined
  readonly mostAgeMs: number | undefined
  readonly patience: {
    readonly mostBytes: number | undefined
    readonly retryMs: number | undefined
    readonly mostRetries: number | undefined
  }
}

/** @throws `ApiError` 400. */
function settingsOf(config: Config): Settings {
  const option = <T>(name: string, parse: (text: string) => T): T | undefined => {
    const text = config[`fluentd-${name}`] ?? ''
    return text === '' ? undefined : parse(text)
  }
  option('async', parseLogFlag) // the container never waits for a connection anyway
  const timeouts = ['write-timeout', 'read-timeout'].map((name) => {
    const value = option(name, parseLogDuration) ?? 0
    if (value < 0)
      throw badRequest(`invalid value for fluentd-${name}: value must be a duration that is non-negative`)
    return value
  })
  const timeoutMs = Math.max(...timeouts)
  const mostAgeMs = option('async-reconnect-interval', parseLogDuration)
  if (mostAgeMs !== undefined && mostAgeMs !== 0 && (mostAgeMs < 100 || mostAgeMs > 10_000))
    throw badRequest(
      `invalid value for fluentd-async-reconnect-interval: value ("${config['fluentd-async-reconnect-interval']}") must be between 100ms and 10s`,
    )
  return {
    target: targetOf(config['fluentd-address'] ?? ''),
    isPrecise: option('sub-second-precision', parseLogFlag) ?? false,
    asksAnswer: option('request-ack', parseLogFlag) ?? false,
    timeoutMs: timeoutMs === 0 ? undefined : timeoutMs,
    mostAgeMs: mostAgeMs === 0 ? undefined : mostAgeMs,
    patience: {
      mostBytes: option('buffer-limit', (text) => parseLogSize(text, 1024)),
      retryMs: option('retry-wait', parseLogDuration),
      mostRetries: option('max-retries', parseLogCount),
    },
  }
}

function targetOf(address: string): StreamTarget {
  const invalid = (why: string): Error => badRequest(`invalid fluentd-address (${address}): ${why}`)
  const { scheme, rest } = splitAddress(address.includes('://') ? address : `tcp://${address}`)
  if (scheme === 'unix') {
    if (/^\/*$/.test(rest)) throw invalid('path is empty')
    return { path: rest }
  }
  if (scheme !== 'tcp' && scheme !== 'tls') throw invalid(`unsupported scheme: '${scheme}'`)
  if (rest.includes('/')) throw invalid('should not contain a path element')
  const place = parseHostPort(rest, { host: '127.0.0.1', port: 24_224 })
  if (place === undefined) throw invalid('invalid port')
  return scheme === 'tls' ? { ...place, tls: { servername: place.host } } : place
}
