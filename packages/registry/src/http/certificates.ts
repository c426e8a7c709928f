import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls'
import { errnoOf, messageOf, RegistryError } from '../errors.js'

/** What TLS connections to one host use. Texts are PEM. */
export interface TlsSettings {
  /** Authorities besides the well-known ones. */
  readonly ca?: string | readonly string[] | undefined
  /** Our own certificate, for registries that ask for one. */
  readonly cert?: string | undefined
  /** Its private key. */
  readonly key?: string | undefined
}

/** Where certificates come from. */
export interface CertificateOptions {
  /** By host as in a reference (`h.example`, `10.0.0.5:5000`); goes before `certificates`. */
  readonly tls?: Readonly<Record<string, TlsSettings>> | undefined
  /**
   * A folder like Docker's `certs.d`: in its folder `HOST` or `HOST:PORT`, files `*.crt` are authorities, and
   * `NAME.cert` with `NAME.key` our own certificate. Default `/etc/docker/certs.d`, and of an ordinary user
   * `~/.config/docker/certs.d` before it.
   */
  readonly certificates?: string | undefined
}

/** The TLS settings of hosts, each looked up once. */
export class Certificates {
  readonly #options: CertificateOptions
  readonly #contexts = new Map<string, SecureContext | undefined>()

  constructor(options: CertificateOptions) {
    this.#options = options
  }

  /**
   * What connections to a host use; `undefined` for Node's defaults.
   *
   * @throws {@link RegistryError} `ERR_REGISTRY_CREDENTIALS`: a file cannot be read or is no certificate or key.
   */
  contextOf({ hostname, port }: URL): SecureContext | undefined {
    const host = port === '' || port === '443' ? hostname : `${hostname}:${port}`
    if (!this.#contexts.has(host)) this.#contexts.set(host, this.#load(host))
    return this.#contexts.get(host)
  }

  #load(host: string): SecureContext | undefined {
    const name = host === 'registry-1.docker.io' ? 'docker.io' : host
    try {
      const { ca = [], cert, key } = this.#options.tls?.[name] ?? this.#fromFolders(name)
      const own = typeof ca === 'string' ? [ca] : ca
      for (const text of own) new X509Certificate(text) // Node passes over what is none
      if (own.length === 0 && cert === undefined) return undefined
      return createSecureContext({
        ...(own.length === 0 ? {} : { ca: [...rootCertificates, ...own] }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
      })
    } catch (cause) {
      throw new RegistryError(
        'ERR_REGISTRY_CREDENTIALS',
        `cannot use the certificates for ${name}: ${messageOf(cause)}`,
        { cause },
      )
    }
  }

  #fromFolders(name: string): TlsSettings {
    if (name.startsWith('.')) return {} // no path is made of `..`
    for (const folder of this.#folders()) {
      const found = readFolder(join(folder, name))
      if (found !== undefined) return found
    }
    return {}
  }

  #folders(): readonly string[] {
    if (this.#options.certificates !== undefined) return [this.#options.certificates]
    const own = process.getuid?.() === 0 ? [] : [join(homedir(), '.config/docker/certs.d')]
    return [...own, '/etc/docker/certs.d']
  }
}

/**
 * The certificates in one folder: `*.crt` are authorities, and `NAME.cert` with `NAME.key` our own certificate.
 *
 * @throws {@link RegistryError} `ERR_REGISTRY_CREDENTIALS`: there is no such folder, it has none, or lacks a key.
 */
export function readCertificates(folder: string): TlsSettings {
  let found: TlsSettings | undefined
  let cause: unknown = new Error('there is no such folder')
  try {
    found = readFolder(folder)
    if (found?.ca?.length === 0 && found.cert === undefined)
      cause = new Error('it has neither *.crt nor *.cert')
    else if (found !== undefined) return found
  } catch (error) {
    cause = error
  }
  throw new RegistryError(
    'ERR_REGISTRY_CREDENTIALS',
    `cannot use the certificates in ${folder}: ${messageOf(cause)}`,
    { cause },
  )
}

/** `undefined` when there is no such folder. */
function readFolder(folder: string): TlsSettings | undefined {
  let names: readonly string[]
  try {
    names = readdirSync(folder).sort()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const ca = names.filter((name) => name.endsWith('.crt')).map(read)
  const cert = names.find((name) => name.endsWith('.cert'))
  if (cert === undefined) return { ca }
  const key = cert.replace(/\.cert$/, '.key')
  if (!names.includes(key)) throw new Error(`${join(folder, cert)} has no ${key} beside it`)
  return { ca, cert: read(cert), key: read(key) }
}
