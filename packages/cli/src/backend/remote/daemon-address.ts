import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import { messageOf, usageError } from '../../errors.js'

/** Where a daemon listens. */
export type DaemonAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | {
      readonly kind: 'tcp'
      readonly host: string
      readonly port: number
      readonly tls: SecureContextOptions | undefined
    }

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads `-H` and `DOCKER_HOST`: `unix:///path.sock` or `tcp://HOST[:PORT]`. TLS is spoken where `DOCKER_TLS_VERIFY` is set,
 * with the certificates of `DOCKER_CERT_PATH`, as Docker has it.
 *
 * @throws `CliError` `ERR_CLI_USAGE`: another kind of address, or certificates that cannot be read.
 */
export function daemonAddress(text: string, env: Environment = process.env): DaemonAddress {
  const path = /^unix:\/\/(\/.+)$/.exec(text)?.[1]
  if (path !== undefined) return { kind: 'unix', path }
  const verify = env['DOCKER_TLS_VERIFY'] ?? ''
  const usesTls = verify !== '' && verify !== '0'
  const [, bracketed, plain, port] =
    /^tcp:\/\/(?:\[([^\]]+)\]|([^:/[\]]+))(?::(\d{1,5}))?\/?$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port ?? 1) > 65_535)
    throw usageError(`invalid host "${text}" for -H, --host: unix:///path.sock and tcp://HOST:PORT are there`)
  const tls = usesTls ? certificates(env['DOCKER_CERT_PATH'] ?? join(homedir(), '.docker')) : undefined
  return { kind: 'tcp', host, port: Number(port ?? (usesTls ? 2376 : 2375)), tls }
}

function certificates(folder: string): SecureContextOptions {
  try {
    const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFileSync(join(folder, name)))
    return { ca, cert, key }
  } catch (error) {
    throw usageError(`cannot read the certificates of DOCKER_CERT_PATH: ${messageOf(error)}`)
  }
}
