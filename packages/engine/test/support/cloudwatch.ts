import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { undo } from './collectors.js'

/** An event as it was put. */
export interface PutEvent {
  readonly timestamp: number
  readonly message: string
}

interface Call {
  readonly logGroupName: string
  readonly logStreamName: string
  readonly logEvents: readonly PutEvent[]
}

class Refusal extends Error {
  readonly type: string
  constructor(type: string, message: string) {
    super(message)
    this.type = type
  }
}

export const keys = { id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

/**
 * What Amazon CloudWatch Logs is to those who write logs: JSON 1.1 with signatures of version 4, which are verified,
 * and the limits of PutLogEvents.
 */
export class CloudWatch {
  /** By group and stream. */
  readonly groups = new Map<string, Map<string, PutEvent[]>>()
  /** Names of the calls that came, with the number of events. */
  readonly calls: string[] = []
  readonly headers: IncomingMessage['headers'][] = []
  /** So many of the next calls are throttled. */
  throttled = 0
  /** It takes no events as they are. */
  isPicky = false
  endpoint = ''

  static async start(): Promise<CloudWatch> {
    const service = new CloudWatch()
    const server = createServer((request, response) => {
      void buffer(request).then((body) => {
        let status = 200
        let answer: unknown
        try {
          answer = service.#answer(request, body)
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
          status = 400
          answer = { __type: error.type, message: error.message }
        }
        response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.1' })
        response.end(JSON.stringify(answer))
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    undo.push(() => {
      server.close()
      server.closeAllConnections()
    })
    service.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return service
  }

  events(group: string, stream: string): readonly PutEvent[] {
    return this.groups.get(group)?.get(stream) ?? []
  }

  #answer(request: IncomingMessage, body: Buffer): unknown {
    verify(request, body)
    const [service, name] = String(request.headers['x-amz-target']).split('.')
    if (service !== 'Logs_20140328' || request.headers['content-type'] !== 'application/x-amz-json-1.1')
      throw new Refusal('UnknownOperationException', String(service))
    const call = JSON.parse(body.toString()) as Call
    const count = name === 'PutLogEvents' ? ` ${call.logEvents.length}` : ''
    this.calls.push(`${name}${count}`)
    this.headers.push(request.headers)
    if (this.throttled-- > 0) throw new Refusal('ThrottlingException', 'Rate exceeded')
    switch (name) {
      case 'CreateLogGroup':
        if (this.groups.has(call.logGroupName)) throw new Refusal('ResourceAlreadyExistsException', 'group')
        this.groups.set(call.logGroupName, new Map())
        return {}
      case 'CreateLogStream': {
        const group = this.#group(call)
        if (group.has(call.logStreamName)) throw new Refusal('ResourceAlreadyExistsException', 'stream')
        group.set(call.logStreamName, [])
        return {}
      }
      case 'PutLogEvents':
        return this.#put(call)
      default:
        throw new Refusal('UnknownOperationException', String(name))
    }
  }

  #group({ logGroupName }: Call): Map<string, PutEvent[]> {
    const group = this.groups.get(logGroupName)
    if (group === undefined)
      throw new Refusal('ResourceNotFoundException', 'The specified log group does not exist.')
    return group
  }

  #put(call: Call): unknown {
    const stream = this.#group(call).get(call.logStreamName)
    if (stream === undefined)
      throw new Refusal('ResourceNotFoundException', 'The specified log stream does not exist.')
    const { logEvents: events } = call
    const sizes = events.map(({ message }) => Buffer.byteLength(message) + 26)
    const invalid = (why: string): Refusal => new Refusal('InvalidParameterException', why)
    if (this.isPicky) throw invalid('no')
    if (events.length === 0 || events.length > 10_000) throw invalid(`${events.length} events`)
    if (sizes.reduce((sum, size) => sum + size, 0) > 1024 * 1024) throw invalid('too large')
    if (sizes.some((size) => size > 256 * 1024 || size === 26))
      throw invalid('an event is too large or empty')
    if (events.some(({ timestamp }, n) => timestamp < (events[n - 1]?.timestamp ?? 0))) throw invalid('order')
    if (events.at(-1)!.timestamp - events[0]!.timestamp >= 24 * 3600 * 1000)
      throw invalid('more than 24 hours')
    stream.push(...events)
    return { nextSequenceToken: 'none' }
  }
}

/** Signature version 4, made again with the key that both sides know. */
function verify({ method, url, headers }: IncomingMessage, body: Buffer): void {
  const [, id, scope = '', names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\S+), SignedHeaders=(\S+), Signature=(\w+)$/.exec(
      headers.authorization ?? '',
    ) ?? []
  if (id !== keys.id) throw new Refusal('UnrecognizedClientException', 'no signature of this key')
  const hash = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')
  const signed = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`)
  const canonical = [method, url, '', signed.join(''), names, hash(body)].join('\n')
  const text = ['AWS4-HMAC-SHA256', String(headers['x-amz-date']), scope, hash(canonical)].join('\n')
  const hmac = (key: string | Buffer, part: string): Buffer => createHmac('sha256', key).update(part).digest()
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${keys.secret}`) as Buffer
  if (hmac(key, text).toString('hex') !== signature)
    throw new Refusal('InvalidSignatureException', 'it does not match')
  if (!names.includes('x-amz-target') && !names.includes('host'))
    throw new Refusal('InvalidSignatureException', names)
}
