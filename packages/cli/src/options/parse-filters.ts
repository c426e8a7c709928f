import type { Filters } from '../backend/backend.js'
import { usageError } from '../errors.js'

/** Reads `--filter NAME=VALUE`, each of which may be given several times. */
export function parseFilters(texts: readonly string[]): Filters {
  const filters: Record<string, string[]> = {}
  for (const text of texts) {
    const at = text.indexOf('=')
    if (at < 1) throw usageError(`invalid argument "${text}" for -f, --filter: NAME=VALUE is needed`)
    const name = text.slice(0, at).toLowerCase()
    filters[name] = [...(filters[name] ?? []), text.slice(at + 1)]
  }
  return filters
}
