import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { RegistryClientOptions, RegistryServerOptions } from '@ctr/registry'
import { collect } from './collect.js'
import { messageOf, usageError } from '../errors.js'
import { parseDuration } from './parse-duration.js'
import { parseInteger } from './parse-number.js'
import { parseSize } from './parse-size.js'

/** Flags of `ctrjs registry serve`, as they come. */
export interface ServeFlags {
  readonly root?: string
  readonly host: string
  readonly port: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsClientCa?: string
  readonly user?: readonly string[]
  readonly users?: string
  readonly htpasswd?: string
  readonly readOnly?: boolean
  readonly mirrorOf?: string
  readonly mirrorUser?: string
  readonly mirrorFresh?: string
  readonly quota?: string
  readonly repositoryQuota?: string
  readonly gcInterval?: string
  readonly gcGrace?: string
  readonly gcUntagged?: boolean
  readonly maxConnections?: string
  readonly uploadIdle?: string
  readonly stopTimeout: string
}

/** Adds the flags to a command. */
export function addServeFlags(command: Command): Command {
  return command
    .option('--root <folder>', 'Folder of its content (default a temporary one)')
    .option('--host <address>', 'Address to listen on', '127.0.0.1')
    .option('--port <int>', 'Port to listen on; 0 for a free one', '5000')
    .option('--tls-cert <file>', 'Certificate, to speak TLS; with --tls-key')
    .option('--tls-key <file>', 'Private key of the certificate')
    .option('--tls-client-ca <file>', 'Serve only clients with a certificate of these authorities')
    .option('--htpasswd <file>', 'Who may use it: a file as "htpasswd -B" writes it')
    .option(
      '--user <name:password>',
      'Who may use it; others can read this in the list of processes',
      collect,
    )
    .option('--users <file>', 'Who may use it: a file of NAME:PASSWORD lines')
    .option('--read-only', 'Take nothing in, and delete nothing')
    .option('--mirror-of <host>', 'Show this registry, and keep what is asked for')
    .option('--mirror-user <name:password>', 'Who we are to that registry (default nobody)')
    .option('--mirror-fresh <time>', 'How long a tag of it is taken for what it was (default 60s)')
    .option('--quota <size>', 'Bytes that may be stored')
    .option('--repository-quota <size>', 'Bytes that each repository may have')
    .option('--gc-interval <time>', 'Remove now and then what no manifest names')
    .option('--gc-grace <time>', 'What was pushed so long ago, or later, stays (default 1h)')
    .option('--gc-untagged', 'Remove manifests too that no tag leads to')
    .option('--max-connections <int>', 'Connections at once (default 1024)')
    .option('--upload-idle <time>', 'How long an upload may stay idle (default 1h)')
    .option('--stop-timeout <time>', 'How long requests under way may take to end', '10s')
}

/** What a server is started with. `client`: how a mirror reaches the other registry. */
export function readServeFlags(flags: ServeFlags, client: RegistryClientOptions): RegistryServerOptions {
  const { root, host, port, htpasswd, readOnly, maxConnections, uploadIdle } = flags
  const users = [
    ...(flags.user ?? []),
    ...(flags.users === undefined
      ? []
      : read(flags.users, '--users').toString('utf8').split('\n').filter(Boolean)),
  ].map((text) => parseUser(text))
  return {
    root,
    host,
    port: parseInteger(port, '--port'),
    tls: tlsOf(flags),
    htpasswd,
    users: users.length === 0 ? undefined : users,
    readOnly,
    mirrorOf: mirrorOf(flags, client),
    quotas: {
      totalBytes: optional(flags.quota, (text) => parseSize(text, '--quota')),
      repositoryBytes: optional(flags.repositoryQuota, (text) => parseSize(text, '--repository-quota')),
    },
    garbage: garbageOf(flags),
    maxConnections: optional(maxConnections, (text) => parseInteger(text, '--max-connections')),
    uploadIdleMs: optional(uploadIdle, (text) => parseDuration(text, '--upload-idle')),
  }
}

function tlsOf({ tlsCert, tlsKey, tlsClientCa }: ServeFlags): RegistryServerOptions['tls'] {
  if (tlsCert === undefined && tlsKey === undefined && tlsClientCa === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined)
    throw usageError('TLS needs both --tls-cert and --tls-key')
  return {
    cert: read(tlsCert, '--tls-cert'),
    key: read(tlsKey, '--tls-key'),
    clientCa: optional(tlsClientCa, (path) => read(path, '--tls-client-ca')),
  }
}

function mirrorOf(
  { mirrorOf: registry, mirrorUser, mirrorFresh }: ServeFlags,
  client: RegistryClientOptions,
): RegistryServerOptions['mirrorOf'] {
  if (registry === undefined) {
    if (mirrorUser !== undefined || mirrorFresh !== undefined)
      throw usageError('--mirror-user and --mirror-fresh need --mirror-of')
    return undefined
  }
  return {
    registry,
    client: {
      ...client,
      credentials: mirrorUser === undefined ? 'anonymous' : parseUser(mirrorUser),
    },
    freshMs: optional(mirrorFresh, (text) => parseDuration(text, '--mirror-fresh')),
  }
}

function garbageOf({ gcInterval, gcGrace, gcUntagged }: ServeFlags): RegistryServerOptions['garbage'] {
  if (gcInterval === undefined) {
    if (gcGrace !== undefined || gcUntagged === true)
      throw usageError('--gc-grace and --gc-untagged need --gc-interval')
    return undefined
  }
  return {
    everyMs: parseDuration(gcInterval, '--gc-interval'),
    graceMs: optional(gcGrace, (text) => parseDuration(text, '--gc-grace')),
    untagged: gcUntagged,
  }
}

function parseUser(text: string): { readonly username: string; readonly password: string } {
  const at = text.indexOf(':')
  if (at < 1) throw usageError('invalid user: NAME:PASSWORD is needed')
  return { username: text.slice(0, at), password: text.slice(at + 1) }
}

function read(path: string, option: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw usageError(`invalid argument "${path}" for ${option}: ${messageOf(error)}`)
  }
}

function optional<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  return text === undefined ? undefined : parse(text)
}
