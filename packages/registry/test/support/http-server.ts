import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'

/** A server that a test scripts, and what it was asked. */
export interface ScriptedServer extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly address: string
  readonly requests: readonly {
    readonly line: string
    readonly authorization: string | undefined
    readonly range: string | undefined
  }[]
}

/**
 * Starts an HTTP server that answers as `handle` says.
 *
 * @param tls - Its certificate and key, for HTTPS.
 */
export async function startHttp(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  tls?: ServerOptions,
): Promise<ScriptedServer> {
  const requests: { line: string; authorization: string | undefined; range: string | undefined }[] = []
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const { authorization, range } = request.headers
    requests.push({ line: `${request.method ?? ''} ${request.url ?? ''}`, authorization, range })
    request.on('error', () => undefined)
    handle(request, response)
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
