import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { SignatureRequirement } from '@ctr/registry'
import type { PullImageOptions } from '@ctr/runtime'
import { collect } from './collect.js'
import { messageOf, usageError } from '../errors.js'

/** The flags that say who must have signed an image, in the words of cosign, as they were typed. */
export interface SignatureFlags {
  readonly bundle?: readonly string[]
  readonly certificateIdentity?: string
  readonly certificateOidcIssuer?: string
  readonly key?: readonly string[]
  readonly trustedRoot?: string
}

/** Adds these flags to a command. */
export function addSignatureFlags(command: Command): Command {
  return command
    .option(
      '--key <file>',
      'Take the image only if it is signed with this public key, or another --key',
      collect,
    )
    .option('--certificate-identity <name>', 'Take the image only if it is signed by this identity')
    .option('--certificate-oidc-issuer <url>', 'Who vouched for the identity')
    .option('--trusted-root <file>', 'Authorities and logs that are believed (trusted_root.json)')
    .option('--bundle <file>', 'A signature at hand, as a sigstore bundle', collect)
}

/** Reads them and their files. What is asked here goes before the file of registries. */
export function signatureOptions(flags: SignatureFlags): Pick<PullImageOptions, 'policy' | 'bundles'> {
  const requirement = requirementOf(flags)
  return {
    ...(requirement === undefined ? {} : { policy: { default: requirement } }),
    ...(flags.bundle === undefined
      ? {}
      : { bundles: flags.bundle.map((path) => readJson(path, '--bundle')) }),
  }
}

function requirementOf(flags: SignatureFlags): SignatureRequirement | undefined {
  const { certificateIdentity: identity, certificateOidcIssuer: issuer, key, trustedRoot } = flags
  const named = [identity, issuer, trustedRoot]
  if (named.every((each) => each === undefined))
    return key === undefined ? undefined : { keys: key.map(readKey) }
  if (key !== undefined) throw usageError('--key and --certificate-identity are mutually exclusive')
  if (identity === undefined || issuer === undefined || trustedRoot === undefined)
    throw usageError('an identity needs --certificate-identity, --certificate-oidc-issuer and --trusted-root')
  return { identity, issuer, trustedRoot: readJson(trustedRoot, '--trusted-root') }
}

function readKey(path: string): string {
  return tried(path, '--key', () => {
    const pem = readFileSync(path, 'utf8')
    createPublicKey(pem)
    return pem
  })
}

function readJson(path: string, option: string): unknown {
  return tried(path, option, () => JSON.parse(readFileSync(path, 'utf8')) as unknown)
}

function tried<T>(path: string, option: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw usageError(`invalid argument "${path}" for ${option}: ${messageOf(error)}`)
  }
}
