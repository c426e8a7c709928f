import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BlobStore } from '../blobs/blob-store.js'
import { removeFile } from '../blobs/durable.js'
import { parseDigest, isDigest } from '../manifest/digest.js'
import { isRepository, isTag } from '../reference/parse-reference.js'
import { isThere, list, mark, readOptional, write } from './entries.js'

/** A manifest that a repository is to have. */
export interface NewManifest {
  readonly digest: string
  readonly mediaType: string
  readonly tags: readonly string[]
  /** What it refers to (`subject`), and how it is listed there. */
  readonly referrer: { readonly subject: string; readonly descriptor: object } | undefined
}

/** A manifest that a repository has. */
export interface KnownManifest {
  readonly mediaType: string
  /** Digest of what it refers to. */
  readonly subject: string | undefined
}

/**
 * What each repository has, in a folder: `repositories/<name>/_blobs`, `_manifests`, `_tags` and `_referrers`.
 * A name's own parts never start with an underscore, so none can be taken for one of these. Content itself is
 * in the blob store, shared by all; a repository shows only what it has an entry for.
 */
export class Repositories {
  readonly blobs: BlobStore
  readonly #root: string
  readonly #partial: string

  private constructor(blobs: BlobStore, root: string) {
    this.blobs = blobs
    this.#root = root
    this.#partial = join(blobs.folder, 'partial')
  }

  /** Opens the folder of a registry. */
  static async open(root: string): Promise<Repositories> {
    const blobs = await BlobStore.open(root)
    await mkdir(join(root, 'repositories'), { recursive: true })
    return new Repositories(blobs, join(root, 'repositories'))
  }

  /** True once something was pushed to the repository. */
  async exists(name: string): Promise<boolean> {
    return await isThere(join(this.#root, checked(name), '_blobs'))
  }

  /** True when the repository has the blob. */
  async hasBlob(name: string, digest: string): Promise<boolean> {
    return await isThere(this.#entry(name, '_blobs', digest))
  }

  /** Size of a blob that the repository has. */
  async blobSize(name: string, digest: string): Promise<number | undefined> {
    return (await this.hasBlob(name, digest)) ? await this.blobs.sizeOf(digest) : undefined
  }

  /** Takes in a finished file, whose content the caller has checked, as a blob of the repository. */
  async addBlob(name: string, digest: string, path: string): Promise<void> {
    await this.blobs.adopt(path, digest)
    await mark(this.#entry(name, '_blobs', digest))
  }

  /** Gives the repository a blob that another one has, or the store. False when there is none. */
  async mountBlob(name: string, digest: string, from: string | undefined): Promise<boolean> {
    if (from !== undefined && !(await this.hasBlob(from, digest))) return false
    if ((await this.blobs.sizeOf(digest)) === undefined) return false
    await mark(this.#entry(name, '_blobs', digest))
    return true
  }

  /** Takes the blob away from the repository. True when it had it. */
  async unlinkBlob(name: string, digest: string): Promise<boolean> {
    return await removeFile(this.#entry(name, '_blobs', digest))
  }

  /** What is known of a manifest; `undefined` when the repository does not have it. */
  async manifest(name: string, digest: string): Promise<KnownManifest | undefined> {
    const text = await readOptional(this.#entry(name, '_manifests', digest))
    if (text === undefined) return undefined
    const [mediaType = '', subject = ''] = text.split('\n')
    return { mediaType, subject: isDigest(subject) ? subject : undefined }
  }

  /** Lets the repository have a manifest of the store, and names it by its tags. */
  async putManifest(name: string, { digest, mediaType, tags, referrer }: NewManifest): Promise<void> {
    await mark(this.#entry(name, '_blobs', digest)) // makes the repository known, even one of a bare manifest
    if (referrer !== undefined) {
      await this.#write(this.#referrer(name, referrer.subject, digest), JSON.stringify(referrer.descriptor))
    }
    await this.#write(this.#entry(name, '_manifests', digest), `${mediaType}\n${referrer?.subject ?? ''}`)
    for (const tag of tags) await this.#write(this.#tag(name, tag), digest)
  }

  /** The digest that a tag names. */
  async resolveTag(name: string, tag: string): Promise<string | undefined> {
    const digest = await readOptional(this.#tag(name, tag))
    return digest !== undefined && isDigest(digest) ? digest : undefined
  }

  /** Removes a tag. True when it was there. */
  async deleteTag(name: string, tag: string): Promise<boolean> {
    return await removeFile(this.#tag(name, tag))
  }

  /** Removes a manifest and all tags that name it. True when it was there. */
  async deleteManifest(name: string, digest: string): Promise<boolean> {
    const known = await this.manifest(name, digest)
    for (const tag of await this.tags(name)) {
      if ((await this.resolveTag(name, tag)) === digest) await this.deleteTag(name, tag)
    }
    await this.unlinkBlob(name, digest)
    const isGone = await removeFile(this.#entry(name, '_manifests', digest))
    if (known?.subject !== undefined) await removeFile(this.#referrer(name, known.subject, digest))
    return isGone
  }

  /** All tags of a repository, sorted. */
  async tags(name: string): Promise<readonly string[]> {
    return (await list(join(this.#root, checked(name), '_tags'))).filter((tag) => isTag(tag)).sort()
  }

  /** Digests of the manifests that refer to one, sorted. */
  async referrers(name: string, subject: string): Promise<readonly string[]> {
    const names = await list(join(this.#entry(name, '_referrers', subject)))
    return names
      .map((entry) => entry.replace('-', ':'))
      .filter((digest) => isDigest(digest))
      .sort()
  }

  /** How a manifest is listed among those that refer to `subject`, as JSON; `undefined` when it is not. */
  async referrer(name: string, subject: string, digest: string): Promise<string | undefined> {
    return await readOptional(this.#referrer(name, subject, digest))
  }

  /** All repositories, sorted. */
  async names(): Promise<readonly string[]> {
    const found: string[] = []
    const walk = async (name: string): Promise<void> => {
      const entries = await list(join(this.#root, name))
      if (entries.includes('_blobs')) found.push(name)
      for (const entry of entries) {
        const inner = name === '' ? entry : `${name}/${entry}`
        if (isRepository(inner)) await walk(inner)
      }
    }
    await walk('')
    return found.sort()
  }

  #entry(name: string, kind: '_blobs' | '_manifests' | '_referrers', digest: string): string {
    const { algorithm, hex } = parseDigest(digest)
    return join(this.#root, checked(name), kind, algorithm, hex)
  }

  #referrer(name: string, subject: string, digest: string): string {
    const { algorithm, hex } = parseDigest(digest)
    return join(this.#entry(name, '_referrers', subject), `${algorithm}-${hex}`)
  }

  #tag(name: string, tag: string): string {
    if (!isTag(tag)) throw new TypeError('a tag must be checked before a path is made of it')
    return join(this.#root, checked(name), '_tags', tag)
  }

  async #write(path: string, text: string): Promise<void> {
    await write(path, text, this.#partial)
  }
}

/** Handlers check names and answer by the specification; this is the second bolt. */
function checked(name: string): string {
  if (!isRepository(name)) throw new TypeError('a repository must be checked before a path is made of it')
  return name
}
