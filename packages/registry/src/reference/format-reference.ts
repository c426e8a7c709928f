import type { Reference } from './reference.js'

/** Settings of {@link formatReference}. */
export interface FormatReferenceOptions {
  /** Leave out what Docker's defaults would put back: `docker.io/`, `library/`. Default false. */
  readonly short?: boolean | undefined
}

/**
 * Writes a reference as text. `parseReference(formatReference(x))` gives `x` again, short or not.
 *
 * @example For people
 * formatReference(parseReference('busybox'), { short: true }) // 'busybox:latest'
 */
export function formatReference(
  reference: Reference,
  { short = false }: FormatReferenceOptions = {},
): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`
  return `${short ? shortName(reference) : `${reference.registry}/${reference.repository}`}${tag}${digest}`
}

function shortName({ registry, repository }: Reference): string {
  if (registry !== 'docker.io') return `${registry}/${repository}`
  const [first = '', second, ...more] = repository.split('/')
  if (first === 'library' && second !== undefined && more.length === 0 && !/^[0-9a-f]{64}$/.test(second))
    return second
  // `localhost/x` or `a.b/x` on Docker Hub would be read as a registry's name
  return second !== undefined && (first === 'localhost' || first.includes('.'))
    ? `${registry}/${repository}`
    : repository
}
