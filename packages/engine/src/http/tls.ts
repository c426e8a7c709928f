import { readFileSync } from 'node:fs'
import type { ServerOptions } from 'node:https'
import { badRequest, messageOf } from '../errors.js'
import type { Host } from './hosts.js'

/** Certificates of an engine that is reached over TCP. */
export interface EngineTlsOptions {
  /** Path of our certificate, PEM. */
  readonly cert: string
  /** Path of its key. */
  readonly key: string
  /** Path of the authorities whose clients are served. Without it every client is. */
  readonly clientCa?: string | undefined
}

/**
 * What a server over TLS is made with.
 *
 * @throws `ApiError` 400: a file cannot be read.
 */
export function tlsServerOptions({ cert, key, clientCa }: EngineTlsOptions): ServerOptions {
  return {
    cert: read('certificate', cert),
    key: read('key', key),
    minVersion: 'TLSv1.2',
    ...(clientCa !== undefined && {
      ca: read('authority of clients', clientCa),
      requestCert: true,
      rejectUnauthorized: true,
    }),
  }
}

/**
 * Who may connect is root on this host: over TCP that must be somebody whom a certificate names.
 *
 * @throws `ApiError` 400 for an address that anybody could use.
 */
export function refuseOpenHosts(hosts: readonly Host[], tls: EngineTlsOptions | undefined): void {
  const open = hosts.find((host) => host.kind === 'tcp' || (host.kind === 'fd' && !host.isUnix))
  if (open === undefined || tls?.clientCa !== undefined) return
  throw badRequest(
    'cannot listen on TCP without client certificates: whoever connects is root on this host; give --tlsverify with ' +
      '--tlscacert, --tlscert and --tlskey, or --allow-tcp-without-client-certificates if nobody else can reach it',
  )
}

function read(what: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw badRequest(`cannot read the ${what} ${path}: ${messageOf(error)}`)
  }
}
