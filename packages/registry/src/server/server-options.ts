import type { PasswordCredentials } from '../auth/credentials.js'
import { RegistryError } from '../errors.js'
import { present } from '../manifest/json-shape.js'
import type { GarbageOptions } from './collect-garbage.js'
import type { ServerTls } from './listener.js'
import type { MirrorOptions } from './mirror.js'
import type { QuotaOptions } from './quotas.js'

/** When garbage is collected by itself, and what counts as such. */
export interface GarbageSchedule extends GarbageOptions {
  /** Milliseconds from one collection to the next; 1 to 2^31 - 1. */
  readonly everyMs: number
}

/** Settings of `RegistryServer.start`. */
export interface RegistryServerOptions {
  /** Folder for all content. Default: a temporary one that is removed when the server closes. */
  readonly root?: string | undefined
  /** Address to listen on. Default `127.0.0.1`: reachable from this machine only. */
  readonly host?: string | undefined
  /** Port to listen on. Default 0: one that is free. */
  readonly port?: number | undefined
  /** Speak TLS, and only that. Default: plain HTTP. */
  readonly tls?: ServerTls | undefined
  /** Who may use the registry, by basic authentication. Default: everybody who reaches it. */
  readonly users?: readonly PasswordCredentials[] | undefined
  /** A file of further users, as `htpasswd -B` writes it. It is read again when it changes. */
  readonly htpasswd?: string | undefined
  /** Take nothing in, and delete nothing. Default false. */
  readonly readOnly?: boolean | undefined
  /**
   * Show another registry, and keep what is asked for: a pull-through cache. Nothing can be pushed then. Default:
   * the server shows its own content.
   */
  readonly mirrorOf?: MirrorOptions | undefined
  /** How much may be stored. Default: as much as the disk has. */
  readonly quotas?: QuotaOptions | undefined
  /** Collect garbage now and then. Default: only `RegistryServer.collectGarbage` does. */
  readonly garbage?: GarbageSchedule | undefined
  /** Connections at once; more are refused. Default 1024. */
  readonly maxConnections?: number | undefined
  /** How long an upload may stay idle before it is removed, in milliseconds. Default one hour. */
  readonly uploadIdleMs?: number | undefined
  /** How long a connection may be silent, in milliseconds. Default 60,000. */
  readonly connectionIdleMs?: number | undefined
  /** Told of failures that clients see as status 500, or 507 for a full disk, and of damaged manifests. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** What numbers are when nobody says so. */
const defaults = { maxConnections: 1024, uploadIdleMs: 3_600_000, connectionIdleMs: 60_000 } as const

/** The bounds of a server, checked. */
export function boundsOf(options: RegistryServerOptions): Record<keyof typeof defaults, number> {
  const { maxConnections, uploadIdleMs, connectionIdleMs } = { ...defaults, ...present(options) }
  checkPositive('maxConnections', maxConnections)
  checkPositive('uploadIdleMs', uploadIdleMs)
  checkPositive('connectionIdleMs', connectionIdleMs)
  checkPositive('quotas.totalBytes', options.quotas?.totalBytes)
  checkPositive('quotas.repositoryBytes', options.quotas?.repositoryBytes)
  checkPositive('garbage.everyMs', options.garbage?.everyMs, 2 ** 31 - 1)
  return { maxConnections, uploadIdleMs, connectionIdleMs }
}

function checkPositive(name: string, value: number | undefined, most = Number.MAX_SAFE_INTEGER): void {
  if (value === undefined || (value > 0 && value <= most)) return
  throw new RegistryError(
    'ERR_REGISTRY_INVALID_ARG',
    `cannot start a registry: ${name} must be more than 0 and at most ${most}, got ${value}`,
  )
}
