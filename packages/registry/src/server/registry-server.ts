import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { io } from '../blobs/durable.js'
import { BasicAuth } from './basic-auth.js'
import { collectGarbage, type CollectedGarbage, type GarbageOptions } from './collect-garbage.js'
import { Htpasswd } from './htpasswd.js'
import { Listener, type CloseOptions } from './listener.js'
import { openRegistry, type OpenRegistry } from './open-registry.js'
import { serve } from './serve.js'
import { boundsOf, type RegistryServerOptions } from './server-options.js'

/**
 * An OCI registry in this process: push and pull by docker, podman, skopeo, crane and this package's client.
 * Content is stored by digest below one folder; nothing is held in memory but small documents.
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
  /** The root of the API: `http://127.0.0.1:43521`. */
  readonly url: string
  readonly #listener: Listener
  readonly #opened: OpenRegistry
  readonly #temporary: string | undefined
  readonly #onError: (error: unknown) => void
  readonly #timer: NodeJS.Timeout | undefined
  #collecting: Promise<CollectedGarbage> | undefined
  #closing: Promise<void> | undefined

  private constructor(
    options: RegistryServerOptions,
    listener: Listener,
    opened: OpenRegistry,
    temporary: string | undefined,
  ) {
    this.address = listener.address
    this.url = `${options.tls === undefined ? 'http' : 'https'}://${this.address}`
    this.#listener = listener
    this.#opened = opened
    this.#temporary = temporary
    this.#onError = options.onError ?? (() => undefined)
    const { garbage } = options
    if (garbage !== undefined) {
      this.#timer = setInterval(() => {
        this.collectGarbage(garbage).catch(this.#onError)
      }, garbage.everyMs).unref()
    }
  }

  /**
   * Starts a server; resolves when it listens.
   *
   * @throws {@link RegistryError}
   *   - `ERR_REGISTRY_INVALID_ARG`: an option outside its range.
   *   - `ERR_REGISTRY_IO`: the folder cannot be made, or the port is taken.
   *   - `ERR_REGISTRY_STORE`: another server has the folder.
   */
  static async start(options: RegistryServerOptions = {}): Promise<RegistryServer> {
    const { host = '127.0.0.1', port = 0, users, htpasswd, tls } = options
    const { readOnly: isReadOnly = false, quotas = {}, mirrorOf, onError = () => undefined } = options
    const { maxConnections, connectionIdleMs, uploadIdleMs } = boundsOf(options)
    const file = htpasswd === undefined ? undefined : await Htpasswd.open(htpasswd)
    const auth = users === undefined && file === undefined ? undefined : new BasicAuth(users ?? [], file)
    const temporary =
      options.root === undefined
        ? await io('start a registry', () => mkdtemp(join(tmpdir(), 'ctr-registry-')))
        : undefined
    let opened: OpenRegistry | undefined
    try {
      opened = await openRegistry(options.root ?? temporary!, {
        uploadIdleMs,
        quotas,
        isReadOnly,
        mirrorOf,
        onError,
      })
      const context = { registry: opened.registry, auth, onError }
      const listener = new Listener({ connectionIdleMs, maxConnections, tls }, (exchange) =>
        serve(context, exchange).catch(onError),
      )
      await listener.listen(host, port)
      return new RegistryServer(options, listener, opened, temporary)
    } catch (error) {
      await opened?.close()
      await remove(temporary)
      throw error
    }
  }

  /**
   * Removes what no manifest refers to, beside pushes that go on: nothing is lost that is being pushed. When a
   * collection runs already, its result is given.
   */
  async collectGarbage(options: GarbageOptions = {}): Promise<CollectedGarbage> {
    this.#collecting ??= collectGarbage(this.#opened.registry, options, this.#onError).finally(() => {
      this.#collecting = undefined
    })
    return await this.#collecting
  }

  /**
   * Stops listening and ends all connections, at once or when the requests under way have ended. Unfinished
   * uploads stay for the next server of the folder.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options)
    await this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(options: CloseOptions): Promise<void> {
    clearInterval(this.#timer)
    await this.#listener.close(options, async () => this.#opened.registry.mirror?.close())
    await this.#collecting?.catch(() => undefined) // told to those who asked for it
    await this.#opened.close()
    await remove(this.#temporary)
  }
}

async function remove(folder: string | undefined): Promise<void> {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
}
