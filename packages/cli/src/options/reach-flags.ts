import type { Command } from 'commander'
import type { OwnReach } from '../cli.js'
import { usageError } from '../errors.js'

/** The flags of commands that speak to one registry, as they were typed. */
export interface ReachFlags {
  readonly certDir?: string
  readonly tlsVerify?: string
}

/** Adds these flags to a command. */
export function addReachFlags(command: Command): Command {
  return command
    .option(
      '--cert-dir <folder>',
      'Authorities (*.crt) and our own certificate (*.cert, *.key) for the registry',
    )
    .option('--tls-verify <bool>', 'Whether the certificate of the registry is checked ("true", "false")')
}

/** Reads them. */
export function reachOf({ certDir, tlsVerify }: ReachFlags, registry: string): OwnReach {
  if (tlsVerify !== undefined && tlsVerify !== 'true' && tlsVerify !== 'false')
    throw usageError(`invalid argument "${tlsVerify}" for --tls-verify: true and false are there`)
  return { registry, certDir, tlsVerify: tlsVerify === undefined ? undefined : tlsVerify === 'true' }
}
