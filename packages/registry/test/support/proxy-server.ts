import { createServer, request as httpRequest } from 'node:http'
import { connect, type AddressInfo } from 'node:net'

/** A proxy for HTTP and, by `CONNECT`, for anything; everything ends at 127.0.0.1, whatever name was asked for. */
export interface ProxyServer extends AsyncDisposable {
  readonly address: string
  /** What was asked: `CONNECT host:port` or `GET http://…`. */
  readonly requests: readonly string[]
}

/**
 * Starts a proxy.
 *
 * @param user - `name:password` that it wants.
 * @param answer - What it writes instead of connecting.
 */
export async function startProxy({
  user,
  answer,
}: { readonly user?: string; readonly answer?: string } = {}): Promise<ProxyServer> {
  const requests: string[] = []
  const wanted = user === undefined ? undefined : `Basic ${Buffer.from(user).toString('base64')}`
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`)
    const { 'proxy-authorization': given, ...headers } = request.headers
    if (wanted !== undefined && given !== wanted) return void response.writeHead(407).end()
    const { port, pathname, search } = new URL(request.url ?? '')
    const onward = httpRequest(
      { host: '127.0.0.1', port, path: pathname + search, method: request.method, headers },
      (incoming) => {
        response.writeHead(incoming.statusCode ?? 0, incoming.headers)
        incoming.pipe(response)
      },
    )
    request.pipe(onward)
  })
  server.on('connect', (request, socket) => {
    requests.push(`CONNECT ${request.url ?? ''}`)
    socket.on('error', () => undefined)
    if (answer !== undefined) return void socket.end(answer)
    if (wanted !== undefined && request.headers['proxy-authorization'] !== wanted)
      return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    const onward = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    onward.on('error', () => socket.destroy())
    socket.on('close', () => onward.destroy())
  })
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
