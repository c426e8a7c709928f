import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as TlsAgent, request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { CliError, messageOf } from '../../errors.js'
import { daemonAddress, type DaemonAddress } from './daemon-address.js'

type Query = Readonly<Record<string, string | number | boolean | readonly string[] | object | undefined>>

/** What goes with a request. */
export interface Asked {
  /** What is undefined is left out; lists are written as often as they are long, other objects as JSON, as filters are. */
  readonly query?: Query | undefined
  /** Written as JSON. */
  readonly body?: unknown
  /** A body that is not. */
  readonly upload?: AsyncIterable<Uint8Array> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal | undefined
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD'

/** Longest document that is read; a daemon that somebody else has may send anything. */
const mostBytes = 64 * 1024 * 1024

/** A client of the Docker Engine API, in the newest version that the daemon has. */
export class DaemonClient implements Disposable {
  readonly host: string
  readonly #address: DaemonAddress
  readonly #agent: Agent

  /** @throws `CliError` `ERR_CLI_USAGE`: the address cannot be. */
  constructor(host: string) {
    this.host = host
    this.#address = daemonAddress(host)
    const tls = this.#address.kind === 'tcp' ? this.#address.tls : undefined
    this.#agent =
      tls === undefined ? new Agent({ keepAlive: true }) : new TlsAgent({ keepAlive: true, ...tls })
  }

  /** Asks for a document; undefined where the answer has none. */
  async json<T>(method: Method, path: string, asked: Asked = {}): Promise<T> {
    const answer = await this.stream(method, path, asked)
    const text = await textOf(answer)
    try {
      return (text === '' ? undefined : JSON.parse(text)) as T
    } catch (cause) {
      throw new CliError(
        'ERR_CLI_DAEMON',
        `cannot read what ${this.host} answers to ${path}: it is no JSON`,
        {
          cause,
        },
      )
    }
  }

  /**
   * Asks for a stream.
   *
   * @throws {@link CliError} `ERR_CLI_DAEMON`: the daemon cannot be reached, or says no; `status` and message are its own.
   */
  async stream(method: Method, path: string, asked: Asked = {}): Promise<IncomingMessage> {
    const request = this.#request(method, path, asked)
    const upload = asked.upload === undefined ? undefined : new Upload(asked.upload)
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve)
      request.once('error', reject)
    })
    answered.catch(() => undefined) // told below
    if (upload === undefined) request.end(asked.body === undefined ? undefined : JSON.stringify(asked.body))
    // a daemon that refuses does not read on: its answer says why
    else pipeline(upload.bytes(), request).catch(() => undefined)
    try {
      return await this.#accepted(answered, path, asked.signal)
    } catch (error) {
      upload?.refuseFailed()
      throw error
    }
  }

  /** Asks for a connection of its own, in both directions. */
  async connect(path: string, asked: Asked = {}): Promise<Socket> {
    const request = this.#request('POST', path, {
      ...asked,
      headers: { connection: 'Upgrade', upgrade: 'tcp', ...asked.headers },
    })
    let socket: Socket | undefined
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('upgrade', (answer: IncomingMessage, upgraded: Socket, head: Buffer) => {
        upgraded.on('error', () => upgraded.destroy()) // its end is seen by whoever reads it
        if (head.length > 0) upgraded.unshift(head)
        socket = upgraded
        resolve(answer)
      })
      request.once('response', resolve)
      request.once('error', reject)
    })
    request.end(asked.body === undefined ? undefined : JSON.stringify(asked.body))
    const answer = await this.#accepted(answered, path, asked.signal)
    if (socket !== undefined) return socket
    answer.destroy()
    throw new CliError('ERR_CLI_DAEMON', `cannot use the connection to ${this.host}: it was not upgraded`)
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  #request(method: Method, path: string, { query = {}, body, upload, headers = {}, signal }: Asked) {
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) {
      if (Array.isArray(value)) for (const one of value) search.append(name, String(one))
      else if (value !== undefined)
        search.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value))
    }
    const text = search.toString()
    const address = this.#address
    const options: RequestOptions = {
      method,
      path: text === '' ? path : `${path}?${text}`,
      agent: this.#agent,
      signal,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(upload === undefined ? {} : { 'content-type': 'application/x-tar' }),
        ...headers,
      },
      ...(address.kind === 'unix'
        ? { socketPath: address.path }
        : { host: address.host, port: address.port }),
    }
    return address.kind === 'tcp' && address.tls !== undefined ? httpsRequest(options) : httpRequest(options)
  }

  async #accepted(
    answered: Promise<IncomingMessage>,
    path: string,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    let answer: IncomingMessage
    try {
      answer = await answered
    } catch (cause) {
      if (signal?.aborted === true) throw cause
      throw new CliError(
        'ERR_CLI_DAEMON',
        `cannot reach the daemon at ${this.host}: ${messageOf(cause)}; does it run, and may you talk to it?`,
        { cause },
      )
    }
    const { statusCode: status = 0 } = answer
    if (status < 400) return answer
    const said = messageIn(await textOf(answer))
    throw new CliError('ERR_CLI_DAEMON', said ?? `${this.host} answers ${status} to ${path}`, { status })
  }
}

/** A body that comes from somewhere else, and may fail there: that is then what is told, not a request that broke off. */
class Upload {
  readonly #source: AsyncIterable<Uint8Array>
  #failure: { readonly error: unknown } | undefined

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source
  }

  async *bytes(): AsyncGenerator<Uint8Array, void> {
    try {
      yield* this.#source
    } catch (error) {
      this.#failure = { error }
      throw error
    }
  }

  refuseFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

async function textOf(answer: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer) {
    bytes += chunk.length
    if (bytes > mostBytes)
      throw new CliError('ERR_CLI_DAEMON', `cannot read an answer of more than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function messageIn(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown }
    return typeof message === 'string' ? message.trim() : undefined
  } catch {
    return undefined
  }
}
