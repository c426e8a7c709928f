import type { PasswordCredentials } from '../auth/credentials.js'
import {
  eraseDockerCredentials,
  storeDockerCredentials,
  type CredentialPlace,
  type DockerConfigOptions,
} from '../auth/docker-config.js'
import { RegistryError } from '../errors.js'
import { Connections, type ConnectionOptions } from '../http/connections.js'
import type { RetryOptions } from '../http/retry.js'
import { parseRegistry } from '../reference/parse-reference.js'
import { Session } from './session.js'

/** Settings of {@link login}. */
export interface LoginOptions extends DockerConfigOptions, ConnectionOptions, RetryOptions {
  readonly signal?: AbortSignal | undefined
}

/**
 * Checks a name and password against a registry, and stores nothing. Who typed them waits: nothing is repeated unless
 * `retries` says so.
 *
 * @param registry - As in a reference, `docker.io` or `127.0.0.1:5000`, or an address such as `https://h.example/v2/`.
 * @returns What is to be kept: an identity token where the registry gives one, else what was given.
 * @throws {@link RegistryError} `ERR_REGISTRY_UNAUTHORIZED`: the registry does not take them; else as it answers.
 */
export async function checkLogin(
  registry: string,
  credentials: PasswordCredentials,
  options: Omit<LoginOptions, keyof DockerConfigOptions> = {},
): Promise<PasswordCredentials | { readonly username: string; readonly identityToken: string }> {
  const host = registryOf(registry)
  const { username, password } = credentials
  if (username === '' || username.includes(':') || password === '') {
    throw new RegistryError(
      'ERR_REGISTRY_INVALID_ARG',
      `cannot log in to ${host}: a user name without ":" and a password are needed`,
    )
  }
  const connections = new Connections(options)
  try {
    const session = new Session(host, {
      connections,
      credentials: { username, password },
      insecure: options.insecure,
      retry: { ...options, retries: options.retries ?? 0 },
      userAgent: 'ctr',
      offline: true,
    })
    const what = `log in to ${host}`
    const call = { what, method: 'GET', target: '/v2/', scopes: [], expect: [200] } as const
    const answer = await session.call({ ...call, signal: options.signal })
    answer.discard()
    const { identityToken } = session
    return identityToken === undefined ? { username, password } : { username, identityToken }
  } finally {
    connections.close()
  }
}

/**
 * Checks a name and password as {@link checkLogin}, and stores them only when the registry takes them: where Docker's
 * configuration says, so that docker, podman, skopeo and this package find them there. Registries that give an identity
 * token for them have that stored instead of the password.
 *
 * @throws {@link RegistryError} as {@link checkLogin}, and nothing is stored; `ERR_REGISTRY_CREDENTIALS`: they cannot be
 *   stored.
 */
export async function login(
  registry: string,
  credentials: PasswordCredentials,
  options: LoginOptions = {},
): Promise<CredentialPlace> {
  const kept = await checkLogin(registry, credentials, options)
  return await storeDockerCredentials(registryOf(registry), kept, { path: options.path })
}

/**
 * Forgets what {@link login} stored for a registry.
 *
 * @returns True when there was something.
 * @throws {@link RegistryError} `ERR_REGISTRY_CREDENTIALS`: the configuration cannot be written, or its helper
 *   fails.
 */
export async function logout(registry: string, options: DockerConfigOptions = {}): Promise<boolean> {
  return await eraseDockerCredentials(registryOf(registry), options)
}

/** The registry of an address as people copy it from a browser. */
function registryOf(text: string): string {
  const host = text.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
  return parseRegistry(host)
}
