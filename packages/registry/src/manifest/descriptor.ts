import { isDigest } from './digest.js'
import { objectAt, optional, present, stringAt, stringMapAt, stringsAt, unexpected } from './json-shape.js'
import { parsePlatformObject, type Platform } from './platform.js'

/**
 * Names content: its type, its digest, its size (image-spec, "Descriptor"). Whoever fetches by it checks
 * all bytes against digest and size.
 */
export interface Descriptor {
  readonly mediaType: string
  /** `sha256:` or `sha512:` and lower-case hex digits. */
  readonly digest: string
  /** Size of the content in bytes. */
  readonly size: number
  /** For an entry of an index: what the image runs on. */
  readonly platform?: Platform
  readonly annotations?: Readonly<Record<string, string>>
  readonly artifactType?: string
  /** Other places of the content. Never used by this package. */
  readonly urls?: readonly string[]
}

/** Reads a descriptor from JSON. `at` names the place in errors. */
export function parseDescriptor(value: unknown, at: string): Descriptor {
  const { mediaType, digest, size, platform, annotations, artifactType, urls } = objectAt(value, at)
  if (typeof digest !== 'string' || !isDigest(digest))
    throw unexpected(`${at}.digest`, 'a SHA-256 or SHA-512 digest', digest)
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw unexpected(`${at}.size`, 'a number of bytes', size)
  }
  const more = present({
    platform: optional(platform, (item) => parsePlatformObject(item, `${at}.platform`)),
    annotations: optional(annotations, (item) => stringMapAt(item, `${at}.annotations`)),
    artifactType: optional(artifactType, (item) => stringAt(item, `${at}.artifactType`)),
    urls: optional(urls, (item) => stringsAt(item, `${at}.urls`)),
  })
  return { mediaType: stringAt(mediaType, `${at}.mediaType`), digest, size, ...more }
}
