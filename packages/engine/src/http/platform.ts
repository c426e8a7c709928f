import type { Platform } from '@ctr/registry'
import { badRequest } from '../errors.js'
import type { Query } from './query.js'

/**
 * The platform that a query asks for, of an image that is here for several: JSON, with the members that OCI has for it.
 *
 * @throws `ApiError` 400.
 */
export function platformIn(query: Query): Platform | undefined {
  if (query.all('platform').length > 1) throw badRequest('multiple platform parameters not supported')
  const text = query.text('platform')
  return text === undefined ? undefined : platformOf(text, 'platform')
}

/** The same of a query that may ask for several, `platforms`. */
export function platformsIn(query: Query): readonly Platform[] {
  return query.all('platforms').map((text) => platformOf(text, 'platforms'))
}

function platformOf(text: string, name: string): Platform {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    given = undefined // said below
  }
  const { os, architecture, variant } = (given ?? {}) as Readonly<Record<string, unknown>>
  if (typeof os !== 'string' || typeof architecture !== 'string')
    throw badRequest(`invalid value of ${name}: ${JSON.stringify(text)} is no JSON with os and architecture`)
  return { os, architecture, ...(typeof variant === 'string' && variant !== '' ? { variant } : {}) }
}
