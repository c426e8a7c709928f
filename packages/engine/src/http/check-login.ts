import { isRegistryError } from '@ctr/registry'
import type { Runtime } from '@ctr/runtime'
import { ApiError } from '../errors.js'
import type { AuthBody } from './schemas/auth.js'

/** As long as Docker's daemon waits: names that no server answers for take much longer to be given up. */
const mostMs = 15_000

const lookups: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'Temporary failure in name resolution',
}
const tooLate =
  'net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)'

/**
 * Asks a registry whether it takes a name and password.
 *
 * @returns The identity token that it gives for them; empty for none.
 * @throws `ApiError` 401: it does not take them. 500: it is not there, or has not answered in 15 s.
 */
export async function checkLogin({ images }: Runtime, asked: AuthBody): Promise<string> {
  const { username, password, serveraddress } = asked
  const isHub = /^$|(^|\/\/)index\.docker\.io(\/|$)/.test(serveraddress ?? '')
  const registry = isHub ? 'docker.io' : serveraddress!
  const credentials = { username: username ?? '', password: password ?? '' }
  const signal = AbortSignal.timeout(mostMs)
  try {
    const kept = await images.checkLogin(registry, credentials, { signal })
    return 'identityToken' in kept ? kept.identityToken : ''
  } catch (error) {
    const said = signal.aborted ? tooLate : failedLookup(error)
    if (said === undefined) throw error
    const host = registry.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
    const address = host === 'docker.io' ? 'registry-1.docker.io' : host
    throw new ApiError(500, `Get "https://${address}/v2/": ${said}`, { cause: error })
  }
}

/** What Docker says where a name has no address. */
function failedLookup(error: unknown): string | undefined {
  if (!isRegistryError(error)) return undefined
  const { code, hostname = '' } = (error.cause ?? {}) as {
    readonly code?: string
    readonly hostname?: string
  }
  const why = code === undefined ? undefined : lookups[code]
  return why && `dial tcp: lookup ${hostname}: ${why}`
}
