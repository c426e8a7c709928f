import { RegistryError } from '../errors.js'
import { isObject, type JsonObject } from '../manifest/json-shape.js'
import { dockerConfigPath, readConfigFile, updateConfigFile } from './config-file.js'
import { CredentialHelper } from './credential-helper.js'
import type { Credentials, IdentityTokenCredentials, PasswordCredentials } from './credentials.js'

/** Docker Hub's name in Docker's configuration. */
const hubKey = 'https://index.docker.io/v1/'

/** Settings of what reads and writes Docker's configuration. */
export interface DockerConfigOptions {
  /** The configuration file. Default `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. */
  readonly path?: string | undefined
}

/** Where credentials are kept. */
export interface CredentialPlace {
  /** The configuration file. */
  readonly path: string
  /** `NAME` of the helper `docker-credential-NAME` that keeps them; without one they stand in the file. */
  readonly helper: string | undefined
}

/**
 * Looks up the credentials that `docker login` or `ctrjs login` stored for a registry: in the helper that
 * `credHelpers` names for it or `credsStore` for all, else in `auths`. A missing file means none.
 *
 * @param registry - As in a reference: `docker.io`, `127.0.0.1:5000`.
 * @throws {@link RegistryError} `ERR_REGISTRY_CREDENTIALS`: the file cannot be read, is not JSON, the
 *   entry is damaged, or the helper fails. No secret is in the message.
 */
export async function readDockerCredentials(
  registry: string,
  { path = dockerConfigPath() }: DockerConfigOptions = {},
): Promise<Credentials | undefined> {
  const json = await readConfigFile(path)
  const helper = helperOf(json, registry)
  if (helper !== undefined) return await helper.get(keyOf(registry))
  const auths = membersOf(json, 'auths')
  const key = auths[keyOf(registry)] === undefined ? keysOf(auths, registry)[0] : keyOf(registry)
  const entry = key === undefined ? undefined : auths[key]
  return isObject(entry) ? credentialsOf(entry, registry, path) : undefined
}

/**
 * Stores credentials for a registry as `docker login` does: in the helper, when the configuration names one,
 * else in its `auths`, readable by their owner alone. All else in the file stays.
 *
 * @throws {@link RegistryError} `ERR_REGISTRY_CREDENTIALS`: the file cannot be written, or the helper fails.
 */
export async function storeDockerCredentials(
  registry: string,
  credentials: PasswordCredentials | (IdentityTokenCredentials & { readonly username?: string }),
  { path = dockerConfigPath() }: DockerConfigOptions = {},
): Promise<CredentialPlace> {
  const key = keyOf(registry)
  const helper = helperOf(await readConfigFile(path), registry)
  await helper?.store(key, credentials)
  const entry = helper === undefined ? entryOf(credentials) : {} // an empty one tells that there is a login
  await updateConfigFile(path, (json) => ({ ...json, auths: { ...membersOf(json, 'auths'), [key]: entry } }))
  return { path, helper: helper?.name }
}

/**
 * Forgets the credentials of a registry as `docker logout` does, in the helper and in `auths`.
 *
 * @returns True when there were any.
 * @throws {@link RegistryError} `ERR_REGISTRY_CREDENTIALS`: the file cannot be written, or the helper fails.
 */
export async function eraseDockerCredentials(
  registry: string,
  { path = dockerConfigPath() }: DockerConfigOptions = {},
): Promise<boolean> {
  const json = await readConfigFile(path)
  const known = keysOf(membersOf(json, 'auths'), registry)
  const helper = helperOf(json, registry)
  let wasKnown = known.length > 0
  if (helper !== undefined && (await helper.get(keyOf(registry))) !== undefined) {
    await helper.erase(keyOf(registry))
    wasKnown = true
  }
  if (known.length === 0) return wasKnown
  await updateConfigFile(path, (now) => {
    const auths = membersOf(now, 'auths')
    const gone = new Set(keysOf(auths, registry))
    return { ...now, auths: Object.fromEntries(Object.entries(auths).filter(([key]) => !gone.has(key))) }
  })
  return wasKnown
}

function helperOf(json: JsonObject, registry: string): CredentialHelper | undefined {
  const helpers = membersOf(json, 'credHelpers')
  const key = keysOf(helpers, registry)[0]
  const name = (key === undefined ? undefined : helpers[key]) ?? json['credsStore']
  return typeof name === 'string' && name !== '' ? new CredentialHelper(name) : undefined
}

function credentialsOf(entry: JsonObject, registry: string, path: string): Credentials | undefined {
  const text = (key: string): string | undefined => {
    const value = entry[key]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const identityToken = text('identitytoken')
  if (identityToken !== undefined) return { identityToken }
  const registryToken = text('registrytoken')
  if (registryToken !== undefined) return { registryToken }
  const auth = text('auth')
  if (auth === undefined) {
    const [username, password] = [text('username'), text('password')]
    return username === undefined || password === undefined ? undefined : { username, password }
  }
  const decoded = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '')
  const colon = decoded.indexOf(':')
  if (colon < 1) {
    throw new RegistryError(
      'ERR_REGISTRY_CREDENTIALS',
      `cannot read ${path}: the entry of ${registry} is not base64 of user:password`,
    )
  }
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}

function entryOf(credentials: Parameters<typeof storeDockerCredentials>[1]): JsonObject {
  const isToken = 'identityToken' in credentials
  const password = isToken ? '' : credentials.password
  const auth = Buffer.from(`${credentials.username ?? ''}:${password}`).toString('base64')
  return isToken ? { auth, identitytoken: credentials.identityToken } : { auth }
}

/** The key of a registry in `auths` and for helpers. */
function keyOf(registry: string): string {
  return registry === 'docker.io' ? hubKey : registry
}

/** All keys that mean a registry: Docker Hub has several, and older files have addresses for names. */
function keysOf(members: JsonObject, registry: string): readonly string[] {
  return Object.keys(members).filter((key) => {
    const host = key.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
    return (host === 'index.docker.io' ? 'docker.io' : host) === registry
  })
}

function membersOf(json: JsonObject, name: 'auths' | 'credHelpers'): JsonObject {
  const members = json[name]
  return isObject(members) ? members : {}
}
