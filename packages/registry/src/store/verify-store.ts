import { createHash } from 'node:crypto'
import type { BlobStore } from '../blobs/blob-store.js'
import { isRegistryError } from '../errors.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { parseDigest } from '../manifest/digest.js'
import { fullName } from './find-image.js'
import { reachableBlobs } from './remove-image.js'
import { readImage } from './stored-image.js'

/** Something in an image store that is not as it should be. */
export interface StoreProblem {
  /** `'damaged'`: a blob is not what its name says; `'missing'`: it is not there; `'image'`: its documents say nonsense. */
  readonly kind: 'damaged' | 'missing' | 'image'
  /** Of the blob, or of the image's manifest. */
  readonly digest: string
  /** Images that need it, by name, or by digest of the manifest where they have none. */
  readonly images: readonly string[]
  /** What is wrong, for a person. */
  readonly message: string
}

/** What was found when an image store was checked. */
export interface StoreCheck {
  readonly problems: readonly StoreProblem[]
  /** Entries of its index. */
  readonly images: number
  readonly blobs: number
  /** Bytes of all blobs. */
  readonly bytes: number
}

/** Reads every document and every blob of a store. */
export async function verifyStore(
  blobs: BlobStore,
  entries: readonly Descriptor[],
  signal: AbortSignal | undefined,
): Promise<StoreCheck> {
  const problems: StoreProblem[] = []
  const users = new Map<string, string[]>()
  for (const entry of entries) {
    const name = fullName(entry) ?? entry.digest
    for (const digest of await reachableBlobs(blobs, entry)) {
      const before = users.get(digest)
      if (before === undefined) users.set(digest, [name])
      else before.push(name)
    }
  }
  const found = { blobs: 0, bytes: 0 }
  const bad = new Set<string>()
  for await (const { digest, size } of blobs.list()) {
    signal?.throwIfAborted()
    found.blobs++
    found.bytes += size
    if ((await hashOf(blobs, digest, signal)) === digest) continue
    bad.add(digest)
    const message = `blob ${digest} is damaged: its content has another digest`
    problems.push({ kind: 'damaged', digest, images: users.get(digest) ?? [], message })
  }
  for (const [digest, images] of users) {
    if (bad.has(digest) || (await blobs.sizeOf(digest)) !== undefined) continue
    bad.add(digest)
    problems.push({ kind: 'missing', digest, images, message: `blob ${digest} is missing` })
  }
  for (const entry of entries) {
    if (bad.has(entry.digest)) continue
    const message = await wrongWith(blobs, entry, bad)
    if (message !== undefined)
      problems.push({
        kind: 'image',
        digest: entry.digest,
        images: [fullName(entry) ?? entry.digest],
        message,
      })
  }
  return { problems, images: entries.length, ...found }
}

/** What its documents say that cannot be; `undefined` where a blob is bad, which is told already. */
async function wrongWith(
  blobs: BlobStore,
  entry: Descriptor,
  bad: ReadonlySet<string>,
): Promise<string | undefined> {
  try {
    await readImage(blobs, entry)
    return undefined
  } catch (error) {
    if (!isRegistryError(error)) throw error
    for (const digest of bad) if (error.message.includes(digest)) return undefined
    return error.message
  }
}

async function hashOf(blobs: BlobStore, digest: string, signal: AbortSignal | undefined): Promise<string> {
  const { algorithm } = parseDigest(digest)
  const hash = createHash(algorithm)
  for await (const chunk of blobs.read(digest)) {
    signal?.throwIfAborted()
    hash.update(chunk as Buffer)
  }
  return `${algorithm}:${hash.digest('hex')}`
}
