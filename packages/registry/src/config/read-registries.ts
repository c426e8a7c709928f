import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { RegistryClientOptions } from '../client/registry-client.js'
import { messageOf, RegistryError } from '../errors.js'
import type { TlsSettings } from '../http/certificates.js'
import { parseReference, parseRegistry } from '../reference/parse-reference.js'
import type { SignaturePolicy, SignatureRequirement } from '../trust/policy.js'
import type { WrittenRegistries, WrittenRequirement } from './registries-schema.js'

/** How registries are reached, and which images are taken from them. */
export interface RegistriesConfig {
  readonly client: Pick<RegistryClientOptions, 'mirrors' | 'insecure' | 'tls'>
  /** `undefined`: all are. */
  readonly policy: SignaturePolicy | undefined
}

/**
 * Reads a file that says for each registry how it is reached and whose images are taken; see the README for its shape.
 * Names of files in it are relative to its folder. Everything that it names is read now.
 *
 * @throws {@link RegistryError} `ERR_REGISTRY_CONFIG`: it cannot be read, or a member is unknown or of another shape.
 */
export async function readRegistries(path: string): Promise<RegistriesConfig> {
  const written = await parse(path, readText(path, path))
  const folder = dirname(resolve(path))
  const read = (name: string): string => readText(resolve(folder, name), path)
  const entries = Object.entries(written.registries ?? {}).map(
    ([name, registry]) =>
      [within(path, `registries of ${name}`, () => parseRegistry(name)), registry] as const,
  )
  const mirrors = entries.flatMap(([name, { mirrors: hosts }]) => {
    if (hosts === undefined) return []
    return [[name, within(path, `mirrors of ${name}`, () => hosts.map(parseRegistry))] as const]
  })
  const tls = entries.flatMap(([name, { ca, cert, key }]) => {
    if ((cert === undefined) !== (key === undefined))
      throw wrong(path, `${name} needs both cert and key, or none`)
    if (ca === undefined && cert === undefined) return []
    const own: TlsSettings = {
      ca: [ca ?? []].flat().map(read),
      cert: cert && read(cert),
      key: key && read(key),
    }
    return [[name.replace(/:443$/, ''), own] as const]
  })
  const insecure = entries.flatMap(([name, registry]) => (registry.insecure === true ? [name] : []))
  return {
    client: {
      mirrors: Object.fromEntries(mirrors),
      tls: Object.fromEntries(tls),
      insecure: [...insecure, ...(written.insecure ?? [])],
    },
    policy: written.trust === undefined ? undefined : policyOf(written.trust, path, read),
  }
}

async function parse(path: string, text: string): Promise<WrittenRegistries> {
  const json = within(path, 'it', () => JSON.parse(text) as unknown)
  // loaded only where there is such a file
  const { Value } = await import('@sinclair/typebox/value')
  const { registriesSchema } = await import('./registries-schema.js')
  if (Value.Check(registriesSchema, json)) return json
  const [first] = [...Value.Errors(registriesSchema, json)]
  throw wrong(path, `${first?.path === '' ? 'it' : first?.path} is not as it must be: ${first?.message}`)
}

function policyOf(
  trust: NonNullable<WrittenRegistries['trust']>,
  path: string,
  read: (name: string) => string,
): SignaturePolicy {
  const requirementOf = (written: WrittenRequirement): SignatureRequirement => {
    if (typeof written === 'string') return written
    if ('keys' in written) return { keys: written.keys.map((name) => publicKey(name, path, read)) }
    const { identity, issuer, trustedRoot } = written
    const root = within(path, `trusted root ${trustedRoot}`, () => JSON.parse(read(trustedRoot)) as unknown)
    return { identity, issuer, trustedRoot: root }
  }
  const scopes = Object.entries(trust.scopes ?? {}).map(([scope, written]) => {
    checkScope(scope, path)
    return [scope, requirementOf(written)] as const
  })
  return { default: requirementOf(trust.default), scopes: Object.fromEntries(scopes) }
}

function publicKey(name: string, path: string, read: (name: string) => string): string {
  const pem = read(name)
  within(path, `key ${name}`, () => createPublicKey(pem))
  return pem
}

/** A scope that no name can begin with would be a check that never takes place. */
function checkScope(scope: string, path: string): void {
  const [first = '', ...rest] = scope.split('/')
  const { registry, repository } = within(path, `scope ${JSON.stringify(scope)}`, () =>
    rest.length === 0
      ? { registry: parseRegistry(scope), repository: '' }
      : parseReference(`${parseRegistry(first)}/${rest.join('/')}/any`),
  )
  const isSame = rest.length === 0 ? registry === scope : `${registry}/${repository}` === `${scope}/any`
  if (!isSame) throw wrong(path, `scope ${JSON.stringify(scope)} fits no name: its registry is ${registry}`)
}

function readText(file: string, path: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw wrong(path, messageOf(cause), cause)
  }
}

function within<T>(path: string, what: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw wrong(path, `${what} cannot be read: ${messageOf(cause)}`, cause)
  }
}

function wrong(path: string, reason: string, cause?: unknown): RegistryError {
  return new RegistryError('ERR_REGISTRY_CONFIG', `cannot use the registries of ${path}: ${reason}`, {
    cause,
  })
}
