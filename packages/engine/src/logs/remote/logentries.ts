import { badRequest } from '../../errors.js'
import type { LogDriver } from '../driver.js'
import type { LogBatch } from '../entry.js'
import { parseLogFlag } from '../sizes.js'
import { attributesOf, tagOf, type LogSource } from '../source.js'
import { RemoteSink } from './remote-sink.js'
import { StreamTransport, type StreamTarget } from './stream-transport.js'

/**
 * Logentries: lines with a token before them, over TLS.
 *
 * @param target - Where it is.
 */
export function logentriesAt(target: StreamTarget): LogDriver {
  return {
    options: ['logentries-token', 'line-only'],
    unknown: (option) => `unknown log opt '${option}' for logentries log driver`,
    check(config) {
      if ((config['logentries-token'] ?? '') === '') throw badRequest('Missing logentries token')
      isLineOnly(config)
    },
    open(source, { onError }) {
      const transport = new StreamTransport(target)
      const encode = lineEncoder(source)
      return { sink: new RemoteSink({ name: 'Logentries', transport, encode, onError }) }
    },
  }
}

/** The service that all have. */
const [host, port] = ['data.logentries.com', 443]
export const logentries = logentriesAt({ host, port, tls: { servername: host } })

function lineEncoder(source: LogSource): (line: string, batch: LogBatch) => Buffer {
  const { config } = source
  const token = config['logentries-token']!
  const isBare = isLineOnly(config)
  const attributes = attributesOf(source)
  const tag = tagOf(source, '')
  return (line, { stream, time }) => {
    const fields = {
      container_id: source.id,
      container_name: `/${source.name}`,
      source: stream,
      log: line,
      ...attributes,
    }
    const text = isBare ? line : `${tag} ${goTime(time)} ${goMap(fields)}`
    // a value of several lines stays one entry: the service shows this as a new line
    return Buffer.from(`${token} ${text.replaceAll('\n', '\u2028')}\n`)
  }
}

/** As Go prints times, and so Docker: without zeros at the end. */
function goTime(time: string): string {
  return `${time
    .slice(0, -1)
    .replace('T', ' ')
    .replace(/\.?0+$/, '')} +0000 UTC`
}

/** As Go prints maps, and so Docker: in the order of keys. */
function goMap(fields: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${pairs.map(([name, value]) => `${name}:${value}`).join(' ')}]`
}

function isLineOnly(config: Readonly<Record<string, string>>): boolean {
  const text = config['line-only'] ?? ''
  try {
    return text !== '' && parseLogFlag(text)
  } catch (error) {
    throw badRequest(`error parsing lineonly option: ${(error as Error).message}`)
  }
}
