import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PasswordCredentials } from '../auth/credentials.js'
import { io } from '../blobs/durable.js'
import { RegistryError } from '../errors.js'
import { Listener } from './listener.js'
import { openRegistry, type OpenRegistry } from './open-registry.js'
import { serve } from './serve.js'

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
  readonly #listener: Listener
  readonly #opened: OpenRegistry
  readonly #temporary: string | undefined
  #closing: Promise<void> | undefined

  private constructor(listener: Listener, opened: OpenRegistry, temporary: string | undefined) {
    this.address = listener.address
    this.#listener = listener
    this.#opened = opened
    this.#temporary = temporary
  }

  /** The root of the API: `http://127.0.0.1:43521`. */
  get url(): string {
    return `http://${this.address}`
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
    const {
      host = '127.0.0.1',
      port = 0,
      users,
      uploadIdleMs = 3_600_000,
      connectionIdleMs = 60_000,
    } = options
    const { onError = () => undefined } = options
    if (!(uploadIdleMs > 0) || !(connectionIdleMs > 0)) {
      throw new RegistryError(
        'ERR_REGISTRY_INVALID_ARG',
        'cannot start a registry: idle times must be more than 0 ms',
      )
    }
    const temporary =
      options.root === undefined
        ? await io('start a registry', () => mkdtemp(join(tmpdir(), 'ctr-registry-')))
        : undefined
    let opened: OpenRegistry | undefined
    try {
      opened = await openRegistry(options.root ?? temporary!, { uploadIdleMs })
      const context = { registry: opened.registry, users, onError }
      const listener = new Listener({ connectionIdleMs }, (exchange) =>
        serve(context, exchange).catch(onError),
      )
      await listener.listen(host, port)
      return new RegistryServer(listener, opened, temporary)
    } catch (error) {
      await opened?.close()
      await remove(temporary)
      throw error
    }
  }

  /** Stops listening and ends all connections. Unfinished uploads stay for the next server of the folder. */
  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    await this.#listener.close()
    await this.#opened.close()
    await remove(this.#temporary)
  }
}

async function remove(folder: string | undefined): Promise<void> {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
}
