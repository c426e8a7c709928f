import { isRegistryError, RegistryError } from '../errors.js'
import { isDigest } from '../manifest/digest.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { formatReference } from '../reference/format-reference.js'
import { checkReference } from '../reference/parse-reference.js'
import type { Reference } from '../reference/reference.js'
import { nameOf, sourceAnnotation } from './layout-index.js'

/** Entries of an index that a user's words fit, and whether the words are a name or an id. */
export interface Found {
  readonly kind: 'name' | 'id'
  readonly entries: readonly Descriptor[]
}

/**
 * Finds images by what people type: a reference, a digest of manifest or config, or the first 4 or more hex
 * digits of one. A name goes before an id that looks like it.
 *
 * @param idOf - The config digest of an entry; `undefined` when the entry cannot be read.
 * @throws {@link RegistryError} `ERR_REGISTRY_NO_IMAGE` or `ERR_REGISTRY_AMBIGUOUS`.
 */
export async function findImage(
  entries: readonly Descriptor[],
  wanted: string | Reference,
  idOf: (entry: Descriptor) => Promise<string | undefined>,
): Promise<Found> {
  const named = byName(entries, wanted)
  if (named.length > 0) return { kind: 'name', entries: named }
  const prefix = typeof wanted === 'string' ? idPrefix(wanted) : undefined
  const shown = typeof wanted === 'string' ? wanted.slice(0, 300) : formatReference(wanted)
  if (prefix !== undefined) {
    const ids = new Map<string, Descriptor[]>()
    for (const entry of entries) {
      const id = await idOf(entry)
      const isFitting = [entry.digest, id].some(
        (digest) => digest !== undefined && digest.slice(digest.indexOf(':') + 1).startsWith(prefix),
      )
      // the same image compressed in two ways has two manifests and one id
      const key = id ?? entry.digest
      if (isFitting) ids.set(key, [...(ids.get(key) ?? []), entry])
    }
    if (ids.size > 1) {
      throw new RegistryError(
        'ERR_REGISTRY_AMBIGUOUS',
        `cannot find image ${shown}: ${ids.size} images start with it, more digits are needed`,
      )
    }
    const [only] = ids.values()
    if (only !== undefined) return { kind: 'id', entries: only }
  } else {
    checkReference(wanted) // not a name at all? Then that is the better error
  }
  throw new RegistryError('ERR_REGISTRY_NO_IMAGE', `cannot find image ${shown}: it is not in this store`)
}

/** The full name under which a reference is stored. A digest makes the tag meaningless. */
export function storedName(reference: Reference): string {
  const { registry, repository, digest } = reference
  return formatReference(digest === undefined ? reference : { registry, repository, digest })
}

function byName(entries: readonly Descriptor[], wanted: string | Reference): readonly Descriptor[] {
  const literal = entries.filter((entry) => nameOf(entry) === wanted).slice(0, 1)
  if (literal.length > 0) return literal
  const reference = readable(wanted)
  if (reference === undefined) return []
  const full = storedName(reference)
  const exact = entries.filter((entry) => fullName(entry) === full).slice(0, 1)
  if (exact.length > 0 || reference.digest === undefined) return exact
  return entries
    .filter(
      (entry) =>
        [entry.digest, entry.annotations?.[sourceAnnotation]].includes(reference.digest) &&
        isSameRepository(entry, reference),
    )
    .slice(0, 1)
}

/** The name of an entry in full; layouts of other tools have short ones, such as `latest`. */
export function fullName(entry: Descriptor): string | undefined {
  const name = nameOf(entry)
  const reference = name === undefined ? undefined : readable(name)
  return reference === undefined ? name : storedName(reference)
}

function isSameRepository(entry: Descriptor, { registry, repository }: Reference): boolean {
  const own = readable(nameOf(entry) ?? '')
  return own?.registry === registry && own.repository === repository
}

/** The reference, or `undefined` for what is none. */
export function readable(text: string | Reference): Reference | undefined {
  try {
    return checkReference(text)
  } catch (error) {
    if (isRegistryError(error)) return undefined
    throw error
  }
}

function idPrefix(text: string): string | undefined {
  if (isDigest(text)) return text.slice(text.indexOf(':') + 1)
  const hex = text.replace(/^sha256:/, '')
  return /^[0-9a-f]{4,128}$/.test(hex) ? hex : undefined
}
