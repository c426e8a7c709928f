import { parseReference, readDockerCredentials } from '@ctr/registry'

/**
 * What a daemon needs to pull or push an image on our behalf: the credentials that `login` has stored for its registry, in
 * the header of Docker's clients, which are empty where it has stored none.
 */
export async function registryAuth(image: string): Promise<Record<string, string>> {
  const { registry } = parseReference(image)
  const found = await readDockerCredentials(registry)
  const auth =
    found === undefined
      ? {} // a header is asked for all the same
      : 'identityToken' in found
        ? { identitytoken: found.identityToken }
        : 'registryToken' in found
          ? { registrytoken: found.registryToken }
          : found
  const document = JSON.stringify(found === undefined ? auth : { ...auth, serveraddress: registry })
  return { 'x-registry-auth': Buffer.from(document).toString('base64url') }
}
