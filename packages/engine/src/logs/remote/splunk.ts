import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { hostname } from 'node:os'
import { gzipSync } from 'node:zlib'
import { badRequest } from '../../errors.js'
import type { LogDriver } from '../driver.js'
import type { LogBatch } from '../entry.js'
import { parseLogFlag } from '../sizes.js'
import { attributesOf, tagOf, type LogSource } from '../source.js'
import { nanosOf } from '../timestamp.js'
import type { Transport } from './outbox.js'
import { RemoteSink } from './remote-sink.js'

type Config = Readonly<Record<string, string>>

const formats = ['inline', 'json', 'raw']

/** The HTTP Event Collector of Splunk. */
export const splunk: LogDriver = {
  options: [
    'splunk-url',
    'splunk-token',
    'splunk-source',
    'splunk-sourcetype',
    'splunk-index',
    'splunk-capath',
    'splunk-caname',
    'splunk-insecureskipverify',
    'splunk-format',
    'splunk-verify-connection',
    'splunk-gzip',
    'splunk-gzip-level',
    'splunk-index-acknowledgment',
  ],
  unknown: (option) => `unknown log opt '${option}' for splunk log driver`,
  check: (config) => new Collector(config).close(),
  open(source, { onError }) {
    const transport = new Collector(source.config)
    const encode = eventEncoder(source)
    return { sink: new RemoteSink({ name: `splunk at ${transport.url.host}`, transport, encode, onError }) }
  },
}

function eventEncoder(source: LogSource): (line: string, batch: LogBatch) => Buffer | undefined {
  const { config } = source
  const format = config['splunk-format'] ?? 'inline'
  const host = hostname()
  return (line, { stream, time }) => {
    if (format === 'raw' && line.trim() === '') return undefined
    const tag = config['tag'] === '' ? '' : tagOf(source)
    const attributes = attributesOf(source)
    const pairs = Object.entries(attributes)
    const event =
      format === 'raw'
        ? `${tag === '' ? '' : `${tag} `}${pairs.map(([name, value]) => `${name}=${value} `).join('')}${line}`
        : {
            line: format === 'json' ? parsedOr(line) : line,
            source: stream,
            ...(tag !== '' && { tag }),
            ...(pairs.length > 0 && { attrs: attributes }),
          }
    const nanos = nanosOf(time)
    return Buffer.from(
      JSON.stringify({
        event,
        time: `${nanos / 1_000_000_000n}.${String((nanos / 1000n) % 1_000_000n).padStart(6, '0')}`,
        host,
        source: config['splunk-source'],
        sourcetype: config['splunk-sourcetype'],
        index: config['splunk-index'],
      }),
    )
  }
}

function parsedOr(line: string): unknown {
  try {
    return JSON.parse(line) as unknown
  } catch {
    return line
  }
}

/** Posts events, many at once. */
class Collector implements Transport {
  readonly url: URL
  readonly #headers: Readonly<Record<string, string>>
  readonly #tls: { readonly ca?: Buffer; readonly servername?: string; readonly rejectUnauthorized: boolean }
  readonly #gzipLevel: number | undefined

  /** @throws `ApiError` 400. */
  constructor(config: Config) {
    const flag = (name: string): boolean => parseLogFlag(config[name] ?? 'false')
    this.url = urlOf(config['splunk-url'])
    if (config['splunk-token'] === undefined) throw badRequest('splunk: splunk-token is expected')
    if (!formats.includes(config['splunk-format'] ?? 'inline'))
      throw badRequest(
        `unknown format specified ${config['splunk-format']}, supported formats are inline, json and raw`,
      )
    const level = config['splunk-gzip-level'] ?? '-1'
    if (!/^(-1|\d)$/.test(level))
      throw badRequest(
        `not supported level '${level}' for splunk-gzip-level (supported values between -1 and 9)`,
      )
    this.#gzipLevel = flag('splunk-gzip') ? Number(level) : undefined
    flag('splunk-verify-connection') // nobody waits for the other side; that it is not there is reported
    this.#headers = {
      Authorization: `Splunk ${config['splunk-token']}`,
      ...(this.#gzipLevel !== undefined && { 'Content-Encoding': 'gzip' }),
      ...(flag('splunk-index-acknowledgment') && { 'X-Splunk-Request-Channel': randomUUID() }),
    }
    const servername = config['splunk-caname']
    this.#tls = {
      ...authorityOf(config['splunk-capath']),
      ...(servername !== undefined && { servername }),
      rejectUnauthorized: !flag('splunk-insecureskipverify'),
    }
  }

  async send(messages: readonly Buffer[]): Promise<void> {
    const events = Buffer.concat(messages)
    const body = this.#gzipLevel === undefined ? events : gzipSync(events, { level: this.#gzipLevel })
    await new Promise<void>((resolve, reject) => {
      const open = this.url.protocol === 'https:' ? requestTls : requestPlain
      const request = open(
        this.url,
        {
          method: 'POST',
          headers: { ...this.#headers, 'Content-Length': body.length },
          timeout: 30_000,
          ...this.#tls,
        },
        (response) => {
          let answer = ''
          response.on('data', (chunk: Buffer) => {
            if (answer.length < 1024) answer += chunk.toString()
          })
          response.on('error', reject)
          response.on('end', () => {
            if (response.statusCode === 200) resolve()
            else
              reject(
                new Error(
                  `splunk: failed to send event - ${response.statusCode} ${response.statusMessage} - ${answer.slice(0, 1024)}`,
                ),
              )
          })
        },
      )
      request.on('timeout', () => request.destroy(new Error('splunk: no answer comes')))
      request.on('error', reject)
      request.end(body)
    })
  }

  close(): void {
    // each request has its own end
  }
}

function authorityOf(path: string | undefined): { readonly ca?: Buffer } {
  if (path === undefined) return {}
  try {
    return { ca: readFileSync(path) }
  } catch (error) {
    throw badRequest(`cannot read splunk-capath ${path}: ${(error as NodeJS.ErrnoException).code}`)
  }
}

function urlOf(text: string | undefined): URL {
  if (text === undefined) throw badRequest('splunk: splunk-url is expected')
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url?.pathname === '/' && url.search === '' && url.hash === ''
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || !isPlain)
    throw badRequest('splunk: expected format scheme://dns_name_or_ip:port for splunk-url')
  url.pathname = '/services/collector/event/1.0'
  return url
}
