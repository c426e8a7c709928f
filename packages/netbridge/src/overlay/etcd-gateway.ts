import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { NetbridgeError } from '../errors.js'

/** How long an answer may take, in milliseconds. */
const TIMEOUT_MS = 3000
/** How large an answer, or one line of a stream, may be, in bytes. */
const MOST_BYTES = 32 * 1024 * 1024

/** Contents of PEM files. */
export interface TlsFiles {
  readonly ca?: Buffer | undefined
  readonly cert?: Buffer | undefined
  readonly key?: Buffer | undefined
}

/**
 * The JSON gateway of etcd v3, which every etcd from 3.4 on has at `/v3/`. Of several members the one that answered last
 * is asked first.
 */
export class EtcdGateway implements Disposable {
  readonly #endpoints: URL[]
  readonly #agents: Readonly<Record<string, HttpAgent>>

  constructor(endpoints: readonly URL[], tls: TlsFiles) {
    this.#endpoints = [...endpoints]
    this.#agents = {
      'http:': new HttpAgent({ keepAlive: true }),
      'https:': new HttpsAgent({ keepAlive: true, ...tls }),
    }
  }

  /**
   * Asks something.
   *
   * @param path - Such as `'kv/range'`.
   * @returns The first message of the answer.
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_STORE`: no member answers in time, or one refuses.
   */
  async call(path: string, body: unknown): Promise<unknown> {
    let failure: NetbridgeError | undefined
    for (const endpoint of [...this.#endpoints]) {
      try {
        const answer = await this.#send(endpoint, path, body, AbortSignal.timeout(TIMEOUT_MS))
        const text = await wholeText(answer)
        if (answer.statusCode !== 200) throw new Error(`HTTP ${answer.statusCode}: ${text.slice(0, 300)}`)
        return JSON.parse(text)
      } catch (error) {
        failure = storeError(`${path} of ${endpoint.host}`, error)
        this.#endpoints.push(this.#endpoints.shift()!)
      }
    }
    throw failure!
  }

  /** Messages of an answer that does not end, until the signal is given. */
  async *stream(path: string, body: unknown, signal: AbortSignal): AsyncGenerator {
    const endpoint = this.#endpoints[0]!
    try {
      const answer = await this.#send(endpoint, path, body, signal)
      answer.socket.unref() // whoever waits for others alone need not go on
      if (answer.statusCode !== 200) throw new Error(`HTTP ${answer.statusCode}`)
      for await (const line of lines(answer)) yield JSON.parse(line)
    } catch (error) {
      if (!signal.aborted) throw storeError(`${path} of ${endpoint.host}`, error)
    }
  }

  [Symbol.dispose](): void {
    for (const agent of Object.values(this.#agents)) agent.destroy()
  }

  async #send(endpoint: URL, path: string, body: unknown, signal: AbortSignal): Promise<IncomingMessage> {
    const request = endpoint.protocol === 'https:' ? httpsRequest : httpRequest
    const agent = this.#agents[endpoint.protocol]!
    return new Promise((resolve, reject) => {
      request(
        new URL(`/v3/${path}`, endpoint),
        { method: 'POST', agent, signal, headers: { 'content-type': 'application/json' } },
        resolve,
      )
        .on('error', reject)
        .end(JSON.stringify(body))
    })
  }
}

async function wholeText(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) {
    text += chunk as string
    if (text.length > MOST_BYTES) throw new Error(`an answer of more than ${MOST_BYTES} bytes`)
  }
  return text
}

async function* lines(answer: IncomingMessage): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of answer.setEncoding('utf8')) {
    const parts = (rest + (chunk as string)).split('\n')
    rest = parts.pop()!
    if (rest.length > MOST_BYTES) throw new Error(`a message of more than ${MOST_BYTES} bytes`)
    yield* parts.filter((part) => part !== '')
  }
}

/** The error for a store that does not do what it is asked to. */
export function storeError(what: string, error: unknown): NetbridgeError {
  const { name, message, cause } = error as Error
  const reason = name === 'AbortError' && cause instanceof Error ? 'no answer in time' : message
  return new NetbridgeError(
    'ERR_NETBRIDGE_STORE',
    `cannot ask the store of the network (${what}): ${reason}; its hosts go on with what they know`,
    { cause: error },
  )
}
