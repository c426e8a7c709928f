import { RegistryError } from '../errors.js'
import { parseDigest } from '../manifest/digest.js'
import { formatReference } from './format-reference.js'
import type { Reference } from './reference.js'

const defaultRegistry = 'docker.io'
const defaultTag = 'latest'

/** The longest reference worth reading: host (255), repository (255), tag (128), digest (135), separators. */
const maxLength = 1024
const maxRepository = 255

const hostPattern =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*$/
const addressPattern = /^\[[0-9a-fA-F:]+\]$/
const componentPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/

/**
 * Reads an image reference by Docker's rules: `[registry[:port]/]repository[:tag][@digest]`.
 *
 * The part before the first `/` is a registry when it contains a `.` or a `:`, is `localhost`, or has an
 * upper-case letter; otherwise the registry is `docker.io`, whose single-word repositories live under
 * `library/`. `index.docker.io` is another name of `docker.io`. Without tag and digest, the tag is `latest`;
 * with a digest alone there is no tag.
 *
 * @param text - What a person types, such as `busybox`, `localhost:5000/team/app:1.2` or
 *   `ghcr.io/team/app@sha256:…`. At most 1024 characters; the repository at most 255.
 * @throws {@link RegistryError}
 *   - `ERR_REGISTRY_INVALID_REFERENCE`: a part breaks the rules; the message says which.
 *   - `ERR_REGISTRY_INVALID_DIGEST`: the part behind `@` is no SHA-256 or SHA-512 digest.
 * @see {@link https://docs.docker.com/reference/cli/docker/image/tag/#description}
 *
 * @example Docker's defaults
 * parseReference('busybox') // { registry: 'docker.io', repository: 'library/busybox', tag: 'latest' }
 */
export function parseReference(text: string): Reference {
  if (text.length === 0 || text.length > maxLength) {
    throw invalid(text, `it must have 1 to ${maxLength} characters`)
  }
  if (/^[0-9a-f]{64}$/.test(text)) throw invalid(text, 'a repository cannot be named by 64 hex digits')
  const at = text.indexOf('@')
  const digest = at === -1 ? undefined : text.slice(at + 1)
  if (digest !== undefined) parseDigest(digest)
  const [name, tag] = splitTag(at === -1 ? text : text.slice(0, at))
  const { registry, repository } = splitRegistry(name)
  checkRegistry(text, registry)
  checkRepository(text, repository)
  if (tag !== undefined && !tagPattern.test(tag)) {
    throw invalid(
      text,
      'a tag has 1 to 128 of letters, digits, "_", "." and "-", and starts with none of the last two',
    )
  }
  const chosen = tag ?? (digest === undefined ? defaultTag : undefined)
  return {
    registry,
    repository,
    ...(chosen === undefined ? {} : { tag: chosen }),
    ...(digest === undefined ? {} : { digest }),
  }
}

/**
 * Checks a reference, typed or made by hand, and fills in the defaults.
 *
 * @throws {@link RegistryError} As {@link parseReference}.
 */
export function checkReference(reference: string | Reference): Reference {
  if (typeof reference === 'string') return parseReference(reference)
  const text = formatReference(reference)
  const parsed = parseReference(text)
  const isSame = parsed.registry === reference.registry || reference.registry === `index.${defaultRegistry}`
  if (!isSame) throw invalid(text, `${JSON.stringify(reference.registry)} would not be read as a registry`)
  return parsed
}

/**
 * Checks the name of a registry alone: `docker.io`, `localhost:5000`, `[::1]:5000`.
 *
 * @throws {@link RegistryError} `ERR_REGISTRY_INVALID_REFERENCE`: the part before the first `/` of a
 *   reference would not be read as this registry.
 */
export function parseRegistry(text: string): string {
  return checkReference({ registry: text, repository: 'any/any' }).registry
}

/** True when `name` is a repository path by the distribution specification: `team/app`, at most 255 characters. */
export function isRepository(name: string): boolean {
  return (
    name.length <= maxRepository && name.split('/').every((component) => componentPattern.test(component))
  )
}

/** True when `name` is a tag by the distribution specification. */
export function isTag(name: string): boolean {
  return tagPattern.test(name)
}

/** A colon behind the last slash starts a tag; one before it belongs to a port. */
function splitTag(name: string): [name: string, tag: string | undefined] {
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1)
  return colon === -1 ? [name, undefined] : [name.slice(0, colon), name.slice(colon + 1)]
}

function splitRegistry(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/')
  const first = name.slice(0, Math.max(slash, 0))
  const isHost =
    slash !== -1 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first)
  const registry = !isHost || first === `index.${defaultRegistry}` ? defaultRegistry : first
  const rest = isHost ? name.slice(slash + 1) : name
  const isOfficial = registry === defaultRegistry && !rest.includes('/')
  return { registry, repository: isOfficial ? `library/${rest}` : rest }
}

function checkRegistry(text: string, registry: string): void {
  const port = /:(\d+)$/.exec(registry)
  const host = port === null ? registry : registry.slice(0, port.index)
  // Docker's grammar takes what no address can be made of, such as `[:]` and `256.0.0.1`
  const isAddress = URL.canParse(`https://${registry}`)
  if (!isAddress || (!hostPattern.test(host) && !addressPattern.test(host))) {
    throw invalid(text, `${JSON.stringify(registry)} is no host name or address with an optional port`)
  }
  if (port !== null && Number(port[1]) > 65535) throw invalid(text, 'a port is at most 65535')
}

function checkRepository(text: string, repository: string): void {
  if (repository.length > maxRepository) {
    throw invalid(text, `a repository has at most ${maxRepository} characters`)
  }
  if (isRepository(repository)) return
  if (repository.toLowerCase() !== repository && isRepository(repository.toLowerCase())) {
    throw invalid(text, 'a repository is written in lower case')
  }
  throw invalid(
    text,
    'the parts of a repository are lower-case letters and digits, joined by ".", "_", "__" or hyphens, and separated by "/"',
  )
}

function invalid(text: string, rule: string): RegistryError {
  const shown = JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
  return new RegistryError('ERR_REGISTRY_INVALID_REFERENCE', `cannot read reference ${shown}: ${rule}`)
}
