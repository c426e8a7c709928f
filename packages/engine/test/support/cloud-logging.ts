import { generateKeyPairSync, verify } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { undo } from './collectors.js'

/** A call of `entries:write`. */
export interface WriteCall {
  readonly logName: string
  readonly resource: unknown
  readonly partialSuccess: boolean
  readonly entries: readonly {
    readonly timestamp: string
    readonly insertId: string
    readonly jsonPayload: Readonly<Record<string, unknown>>
  }[]
}

const email = 'logs@project.iam.example'
const scope = 'https://www.googleapis.com/auth/logging.write'

/**
 * What Google Cloud Logging is to those who write logs, with a server of tokens and one of metadata: it takes tokens
 * that a service account has signed itself, and those of the server.
 */
export class CloudLoggingService {
  readonly calls: WriteCall[] = []
  /** How calls came by their rights. */
  readonly tokens: string[] = []
  /** Statuses of the next answers. */
  readonly statuses: number[] = []
  readonly #pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  #host = ''

  static async start(): Promise<CloudLoggingService> {
    const service = new CloudLoggingService()
    const server: Server = createServer((request, response) => {
      void text(request).then((body) => {
        const [status, answer] = service.#answer(request, body)
        response.writeHead(status, { 'Content-Type': 'application/json', 'Metadata-Flavor': 'Google' })
        response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    undo.push(() => {
      server.close()
      server.closeAllConnections()
    })
    service.#host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    return service
  }

  /** Of it, and of the metadata server. */
  get host(): string {
    return this.#host
  }

  get origin(): string {
    return `http://${this.#host}`
  }

  get messages(): unknown[] {
    return this.calls.flatMap(({ entries }) => entries.map(({ jsonPayload }) => jsonPayload['message']))
  }

  /** Writes a key of a service account of this project. */
  writeKey(path: string, project = 'project'): void {
    const private_key = this.#pair.privateKey.export({ type: 'pkcs8', format: 'pem' })
    const key = {
      type: 'service_account',
      project_id: project,
      private_key_id: 'k1',
      private_key,
      client_email: email,
    }
    writeFileSync(path, JSON.stringify(key))
  }

  /** Writes credentials whose token is exchanged for one of the token server. */
  writeExchange(path: string, subject: string): void {
    writeFileSync(subject, 'of another cloud')
    const credentials = {
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${this.origin}/token`,
      credential_source: { file: subject },
    }
    writeFileSync(path, JSON.stringify(credentials))
  }

  #answer(request: IncomingMessage, body: string): [number, unknown] {
    switch (request.url) {
      case '/token':
        return new URLSearchParams(body).get('subject_token') === 'of another cloud'
          ? [
              200,
              { access_token: 'exchanged', issued_token_type: 'x', token_type: 'Bearer', expires_in: 3600 },
            ]
          : [400, { error: 'invalid_request' }]
      case '/computeMetadata/v1/instance/zone':
        return [200, 'projects/123/zones/europe-west3-a']
      case '/computeMetadata/v1/instance/id':
        return [200, '42']
      case '/v2/entries:write':
        return this.#write(request, body)
      default:
        return [404, { error: { code: 404, message: request.url, status: 'NOT_FOUND' } }]
    }
  }

  #write({ method, headers }: IncomingMessage, body: string): [number, unknown] {
    const failed = (code: number, message: string): [number, unknown] => [code, { error: { code, message } }]
    if (method !== 'POST' || headers['content-type'] !== 'application/json')
      return failed(400, 'JSON is needed')
    const token = (headers.authorization ?? '').replace(/^Bearer /, '')
    if (token !== 'exchanged' && !this.#isSigned(token)) return failed(401, 'no such token')
    const status = this.statuses.shift()
    if (status !== undefined) return failed(status, 'as the test says')
    const call = JSON.parse(body) as WriteCall
    if (call.entries.length > 1000 || body.length > 10_000_000) return failed(400, 'too much')
    this.calls.push(call)
    this.tokens.push(token === 'exchanged' ? token : 'signed')
    return [200, {}]
  }

  /** Whether it is a token of RFC 7519 by our service account, for the scope of logs. */
  #isSigned(token: string): boolean {
    const [head = '', claims = '', signature = ''] = token.split('.')
    const parse = (part: string): Record<string, unknown> =>
      JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
    const bytes = Buffer.from(`${head}.${claims}`)
    if (!verify('RSA-SHA256', bytes, this.#pair.publicKey, Buffer.from(signature, 'base64url'))) return false
    const { iss, sub, scope: granted, exp } = parse(claims)
    const isOurs = parse(head)['kid'] === 'k1' && iss === email && sub === email
    return isOurs && granted === scope && Number(exp) > Date.now() / 1000
  }
}
