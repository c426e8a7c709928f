import type { FastifyInstance } from 'fastify'
import { Runtime, type RuntimeOptions } from '@ctr/runtime'
import { EngineCore } from './core.js'
import { parseHost, parseMetricsAddress, type Host } from './http/hosts.js'
import { listen } from './http/listen.js'
import { createServer } from './http/server.js'
import { refuseOpenHosts, tlsServerOptions, type EngineTlsOptions } from './http/tls.js'
import { checkLogConfig } from './logs/log-config.js'

/** How output of containers is kept. */
export interface EngineLogOptions {
  /** Name of the driver, as in Docker: `json-file`, `local`, `none` and so on. */
  readonly driver?: string | undefined
  /** Its options, as those of `docker run --log-opt`. */
  readonly options?: Readonly<Record<string, string>> | undefined
}

/** Where an engine lives and listens. */
export interface EngineOptions extends RuntimeOptions {
  /**
   * Where clients reach it: `unix:///run/ctrjs/docker.sock`, `tcp://HOST:PORT`, `fd://` for the sockets that systemd has
   * opened. Default: the first, in the folder `state`.
   */
  readonly hosts?: readonly string[] | undefined
  /** Certificates for `tcp://`. */
  readonly tls?: EngineTlsOptions | undefined
  /**
   * Listen on TCP although anybody who reaches the port is root on this host: `tls` without `clientCa`, or none. Default
   * false: such hosts are refused.
   */
  readonly allowTcpWithoutClientCertificates?: boolean | undefined
  /** Logs of containers that ask for nothing else. Default: `json-file` without a limit, as Docker's. */
  readonly log?: EngineLogOptions | undefined
  /**
   * `HOST:PORT` where Prometheus finds `/metrics`, as `127.0.0.1:9323`. Anybody who reaches it may read it: names,
   * images and figures of containers. Default: nowhere.
   */
  readonly metricsAddress?: string | undefined
  /** Told of what no client is told: a container that could not be started again, a document that is damaged. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/**
 * The Docker Engine API over a {@link Runtime}: Docker's own clients work with it.
 *
 * Containers outlive it. The next engine of the same folders finds those that run running, and how the others have
 * ended.
 *
 * @example
 * await using engine = await Engine.start({ hosts: ['unix:///tmp/docker.sock'] })
 * // DOCKER_HOST=unix:///tmp/docker.sock docker run --rm busybox echo hello
 */
export class Engine implements AsyncDisposable {
  readonly #core: EngineCore
  readonly #servers: FastifyInstance[] = []
  #metricsUrl: string | undefined
  #closed: Promise<void> | undefined

  private constructor(core: EngineCore) {
    this.#core = core
  }

  /**
   * Opens the runtime, takes up containers that an earlier engine has left, and listens.
   *
   * @throws `ApiError` for a host that cannot be listened on, or a log that cannot be; and what `Runtime.open` throws.
   */
  static async start({
    hosts,
    tls,
    allowTcpWithoutClientCertificates = false,
    log = {},
    metricsAddress,
    onError = () => undefined,
    ...options
  }: EngineOptions = {}): Promise<Engine> {
    const defaults = { Type: log.driver ?? 'json-file', Config: log.options ?? {} }
    checkLogConfig(defaults)
    const parsed = hosts?.flatMap((host) => parseHost(host))
    const metricsHost = metricsAddress === undefined ? undefined : parseMetricsAddress(metricsAddress)
    if (!allowTcpWithoutClientCertificates) refuseOpenHosts(parsed ?? [], tls)
    const runtime = await Runtime.open({ ...options, adoptNames: true })
    for (const { error } of runtime.failedCleanUps) onError(error)
    const core = new EngineCore(runtime, { onError, log: defaults })
    const engine = new Engine(core)
    try {
      if (metricsHost !== undefined) await engine.#listenForMetrics(metricsHost)
      await core.restore()
      await engine.#listen(parsed ?? [{ kind: 'unix', path: `${runtime.state}/docker.sock` }], tls)
      return engine
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  /** What it stands on: containers are managed through the API. */
  get runtime(): Runtime {
    return this.#core.runtime
  }

  /** @internal */
  get containers(): EngineCore['containers'] {
    return this.#core.containers
  }

  /** Where it listens. */
  get hosts(): readonly string[] {
    return this.#core.hosts
  }

  /** Where Prometheus finds `/metrics`, with the port that was found where 0 was asked for. */
  get metricsUrl(): string | undefined {
    return this.#metricsUrl
  }

  /** Stops listening and ends all connections. Containers go on. Idempotent. */
  async close(): Promise<void> {
    this.#closed ??= this.#close()
    await this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #listen(hosts: readonly Host[], tls: EngineTlsOptions | undefined): Promise<void> {
    const addresses: string[] = []
    const secure = tls && tlsServerOptions(tls)
    for (const host of hosts) {
      const isLocal = host.kind === 'unix' || (host.kind === 'fd' && host.isUnix)
      const server = await createServer(this.#core, isLocal ? undefined : secure)
      this.#servers.push(server)
      addresses.push(await listen(server, host))
    }
    this.#core.hosts = addresses
  }

  async #listenForMetrics(host: Host): Promise<void> {
    // most engines are asked for none: not worth their memory
    const { Metrics } = await import('./metrics/metrics.js')
    this.#core.metrics = new Metrics(this.#core)
    const server = this.#core.metrics.server()
    this.#servers.push(server)
    this.#metricsUrl = `${(await listen(server, host)).replace(/^tcp/, 'http')}/metrics`
  }

  async #close(): Promise<void> {
    await this.#core.letGo()
    await Promise.all(
      this.#servers.map(async (server) => {
        server.server.closeAllConnections()
        await server.close()
      }),
    )
    await this.runtime.close()
  }
}
