import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { errnoOf, RegistryError } from '../errors.js'
import { isObject } from '../manifest/json-shape.js'
import type { Credentials } from './credentials.js'

/** Settings of {@link readDockerCredentials}. */
export interface DockerConfigOptions {
  /** The configuration file. Default `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. */
  readonly path?: string | undefined
}

/**
 * Looks up the credentials that `docker login` stored for a registry in the `auths` of its configuration
 * file. A missing file means none. Credential helpers (`credsStore`, `credHelpers`) are programs and are
 * not asked.
 *
 * @param registry - As in a reference: `docker.io`, `127.0.0.1:5000`.
 * @throws {@link RegistryError} `ERR_REGISTRY_CREDENTIALS`: the file cannot be read, is not JSON, or the
 *   entry is damaged. Nothing of its content is in the message.
 */
export async function readDockerCredentials(
  registry: string,
  { path = defaultPath() }: DockerConfigOptions = {},
): Promise<Credentials | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return undefined
    throw new RegistryError(
      'ERR_REGISTRY_CREDENTIALS',
      `cannot read ${path}: ${errnoOf(cause) ?? 'unknown error'}`,
      { cause },
    )
  }
  let auths: unknown
  try {
    const json: unknown = JSON.parse(text)
    auths = isObject(json) ? json['auths'] : undefined
  } catch {
    // the parser's message quotes the file, which holds secrets
    throw new RegistryError('ERR_REGISTRY_CREDENTIALS', `cannot read ${path}: it is not JSON`)
  }
  if (!isObject(auths)) return undefined
  const entry = Object.entries(auths).find(([key]) => hostOf(key) === configHost(registry))?.[1]
  return isObject(entry) ? credentialsOf(entry, registry, path) : undefined
}

function credentialsOf(
  entry: Readonly<Record<string, unknown>>,
  registry: string,
  path: string,
): Credentials | undefined {
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

/** Docker Hub is stored as `https://index.docker.io/v1/`, others as their host, older ones as an address. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
}

function configHost(registry: string): string {
  return registry === 'docker.io' ? 'index.docker.io' : registry
}

function defaultPath(): string {
  return join(process.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json')
}
