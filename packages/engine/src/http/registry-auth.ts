import type { CredentialSource } from '@ctr/registry'
import type { FastifyRequest } from 'fastify'
import { badRequest } from '../errors.js'

/** Credentials that the client sends along: JSON in base64url. None of the daemon's own are used for those who send none. */
export function registryAuth(request: FastifyRequest): CredentialSource {
  const header = request.headers['x-registry-auth']
  if (typeof header !== 'string' || header === '') return 'anonymous'
  let auth: unknown
  try {
    auth = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'))
  } catch {
    throw badRequest('invalid X-Registry-Auth header: no JSON in base64')
  }
  const { username, password, identitytoken, registrytoken } = (auth ?? {}) as Readonly<
    Record<string, unknown>
  >
  if (typeof registrytoken === 'string' && registrytoken !== '') return { registryToken: registrytoken }
  if (typeof identitytoken === 'string' && identitytoken !== '') return { identityToken: identitytoken }
  if (typeof username === 'string' && username !== '' && typeof password === 'string')
    return { username, password }
  return 'anonymous'
}
