/** A user's name and password (or access token used as one). */
export interface PasswordCredentials {
  readonly username: string
  readonly password: string
}

/** An OAuth2 refresh token, which `docker login` stores for some registries. */
export interface IdentityTokenCredentials {
  readonly identityToken: string
}

/** A bearer token to send to the registry as it is. */
export interface RegistryTokenCredentials {
  readonly registryToken: string
}

/** How to prove who we are. */
export type Credentials = PasswordCredentials | IdentityTokenCredentials | RegistryTokenCredentials

/**
 * Where credentials come from: given, looked up by registry (`docker.io`, `127.0.0.1:5000`), or none. They
 * are sent when the registry asks for them, to that registry and to the token server it names.
 */
export type CredentialSource =
  Credentials | 'anonymous' | ((registry: string) => Promise<Credentials | undefined>)
