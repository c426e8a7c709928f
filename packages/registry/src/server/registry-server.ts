import { mkdtemp } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PasswordCredentials } from '../auth/credentials.js'
import { io } from '../blobs/durable.js'
import { errnoOf, isRegistryError, messageOf, RegistryError } from '../errors.js'
import { ApiError } from './api-error.js'
import { checkBasicAuth } from './basic-auth.js'
import { answer, type Exchange } from './exchange.js'
import { Repositories } from './repositories.js'
import { route } from './route.js'
import { Uploads } from './uploads.js'

/** Settings of {@link RegistryServer.start}. */
export interface RegistryServerOptions {
  /** Folder for all content. Default: a temporary one that is removed when the server closes. */
  readonly root?: string | undefined
  /** Address to listen on. Default `127.0.0.1`: reachable from this machine only. */
  readonly host?: string | undefined
  /** Port to listen on. Default 0: one that is free. */
  readonly port?: number | undefined
  /** Who may use the registry, by basic authentication. Default: everybody who reaches it. */
  readonly users?: readonly PasswordCredentials[] | undefined
  /** How long an upload may stay idle before it is removed, in milliseconds. Default one hour. */
  readonly uploadIdleMs?: number | undefined
  /** How long a connection may be silent, in milliseconds. Default 60,000. */
  readonly connectionIdleMs?: number | undefined
  /** Told of failures that clients see as status 500, such as a full disk. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/**
 * An OCI registry in this process: push and pull by docker, podman, skopeo, crane and this package's client.
 * Content is stored by digest below one folder; nothing is held in memory but small documents. Plain HTTP:
 * for this machine, or behind something that speaks TLS.
 *
 * @see {@link https://github.com/opencontainers/distribution-spec/blob/main/spec.md}
 *
 * @example A registry that lives as long as a test
 * await using registry = await RegistryServer.start()
 * await store.push(`${registry.address}/app:1`, { image: 'app:1' })
 */
export class RegistryServer implements AsyncDisposable {
  /** Where it listens, as the registry part of a reference: `127.0.0.1:43521`. */
  readonly address: string
  readonly #server: Server
  readonly #uploads: Uploads
  readonly #temporary: Repositories | undefined
  #closing: Promise<void> | undefined

  private constructor(
    address: string,
    server: Server,
    uploads: Uploads,
    temporary: Repositories | undefined,
  ) {
    this.address = address
    this.#server = server
    this.#uploads = uploads
    this.#temporary = temporary
  }

  /** The root of the API: `http://127.0.0.1:43521`. */
  get url(): string {
    return `http://${this.address}`
  }

  /**
   * Starts a server; resolves when it listens.
   *
   * @throws {@link RegistryError} `ERR_REGISTRY_IO`: the folder cannot be made, or the port is taken.
   */
  static async start({
    root,
    host = '127.0.0.1',
    port = 0,
    users,
    uploadIdleMs = 3_600_000,
    connectionIdleMs = 60_000,
    onError = () => undefined,
  }: RegistryServerOptions = {}): Promise<RegistryServer> {
    if (!(uploadIdleMs > 0) || !(connectionIdleMs > 0)) {
      throw new RegistryError(
        'ERR_REGISTRY_INVALID_ARG',
        'cannot start a registry: idle times must be more than 0 ms',
      )
    }
    const folder = root ?? (await io('start a registry', () => mkdtemp(join(tmpdir(), 'ctr-registry-'))))
    const repositories = await Repositories.open(folder)
    const uploads = new Uploads(join(folder, 'partial'), uploadIdleMs)
    const context = { repositories, uploads }
    const server = createServer(
      { requestTimeout: 0, headersTimeout: 30_000, keepAliveTimeout: 30_000 },
      (request, response) => {
        serve(request, response, users, onError, (exchange) => route(context, exchange)).catch(onError)
      },
    )
    server.setTimeout(connectionIdleMs)
    try {
      await listen(server, host, port)
    } catch (cause) {
      await uploads.close()
      if (root === undefined) await repositories.destroy()
      throw new RegistryError(
        'ERR_REGISTRY_IO',
        `cannot listen on ${host} port ${port}: ${messageOf(cause)}`,
        { cause },
      )
    }
    return new RegistryServer(
      addressOf(server),
      server,
      uploads,
      root === undefined ? repositories : undefined,
    )
  }

  /** Stops listening, ends all connections and unfinished uploads. */
  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
    await this.#uploads.close()
    await this.#temporary?.destroy()
  }
}

/** Runs one request. Whatever goes wrong becomes an answer, or the end of the connection when one has begun. */
async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  users: readonly PasswordCredentials[] | undefined,
  onError: (error: unknown) => void,
  handle: (exchange: Exchange) => Promise<void>,
): Promise<void> {
  const { url = '', method = 'GET' } = request
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const exchange = {
    request,
    response,
    method,
    path,
    query: new URLSearchParams(mark === -1 ? '' : url.slice(mark)),
  }
  response.setHeader('docker-distribution-api-version', 'registry/2.0')
  response.setHeader('x-content-type-options', 'nosniff')
  try {
    if (users !== undefined) checkBasicAuth(request, users)
    await handle(exchange)
  } catch (error) {
    if (request.socket.destroyed || response.headersSent) {
      response.destroy()
      if (!isHangUp(error)) onError(error)
      return
    }
    const known = error instanceof ApiError ? error : new ApiError(500, 'UNKNOWN', 'internal error')
    if (known !== error) onError(error)
    answer(exchange, known.status, { 'content-type': 'application/json', ...known.headers }, known.body)
  }
}

/** The client went away in the middle: nothing that the registry's owner could do. */
function isHangUp(error: unknown): boolean {
  const code = errnoOf(error) ?? ''
  return (
    ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'ABORT_ERR'].includes(
      code,
    ) && !isRegistryError(error)
  )
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function addressOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
}
