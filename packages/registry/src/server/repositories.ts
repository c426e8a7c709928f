import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobStore } from '../blobs/blob-store.js'
import { io, removeFile } from '../blobs/durable.js'
import { parseDigest, isDigest } from '../manifest/digest.js'
import { isRepository, isTag } from '../reference/parse-reference.js'
import { isThere, list, mark, readOptional, touch, touchedAt, write } from './entries.js'
import type { Quotas } from './quotas.js'

/** A manifest that a repository is to have. */
export interface NewManifest {
  readonly digest: string
  readonly mediaType: string
  readonly tags: readonly string[]
  /** What it refers to (`subject`), and how it is listed there. */
  readonly referrer: { readonly subject: string; readonly descriptor: object } | undefined
}

/** Something that a repository has. */
export interface Entry {
  readonly digest: string
  /** When it was pushed, or last asked for by a client that may push: milliseconds since 1970. */
  readonly touchedAt: number
}

/** A manifest that a repository has. */
export interface KnownManifest {
  readonly mediaType: string
  /** Digest of what it refers to. */
  readonly subject: string | undefined
}

/**
 * What each repository has, in a folder: `repositories/<name>/_blobs`, `_manifests`, `_tags`, `_referrers`, and
 * in a mirror `_expected`.
 * A name's own parts never start with an underscore, so none can be taken for one of these. Content itself is
 * in the blob store, shared by all; a repository shows only what it has an entry for.
 */
export class Repositories {
  readonly blobs: BlobStore
  readonly #root: string
  readonly #partial: string

  readonly #quotas: Quotas

  private constructor(blobs: BlobStore, root: string, quotas: Quotas) {
    this.blobs = blobs
    this.#quotas = quotas
    this.#root = root
    this.#partial = join(blobs.folder, 'partial')
  }

  /** Opens the repositories of a registry's folder. */
  static async open(blobs: BlobStore, quotas: Quotas): Promise<Repositories> {
    const root = join(blobs.folder, 'repositories')
    await io(`open ${root}`, () => mkdir(root, { recursive: true }))
    return new Repositories(blobs, root, quotas)
  }

  /** True once something was pushed to the repository. */
  async exists(name: string): Promise<boolean> {
    return await isThere(join(this.#root, checked(name), '_blobs'))
  }

  /** True when the repository has the blob. */
  async hasBlob(name: string, digest: string): Promise<boolean> {
    return await isThere(this.#entry(name, '_blobs', digest))
  }

  /** Says that a client asked for a blob that it will perhaps not push because it is here. */
  async touchBlob(name: string, digest: string): Promise<void> {
    await touchOld(this.#entry(name, '_blobs', digest))
  }

  /** As {@link Repositories.touchBlob}, for a manifest. */
  async touchManifest(name: string, digest: string): Promise<void> {
    await touchOld(this.#entry(name, '_manifests', digest))
  }

  /** Takes in a finished file, whose content the caller has checked, as a blob of the repository. */
  async addBlob(name: string, digest: string, path: string, size: number): Promise<void> {
    const isNew = await this.blobs.adopt(path, digest)
    const isNewHere = await mark(this.#entry(name, '_blobs', digest))
    this.#quotas.count(name, isNew ? size : 0, isNewHere ? size : 0)
  }

  /** Gives the repository a blob that another one has, or the store. False when there is none. */
  async mountBlob(name: string, digest: string, from: string | undefined): Promise<boolean> {
    if (from !== undefined && !(await this.hasBlob(from, digest))) return false
    const size = await this.blobs.sizeOf(digest)
    if (size === undefined) return false
    if (!(await this.hasBlob(name, digest))) this.#quotas.check(name, 0, size)
    if (await mark(this.#entry(name, '_blobs', digest))) this.#quotas.count(name, 0, size)
    return true
  }

  /** Takes the blob away from the repository. True when it had it. */
  async unlinkBlob(name: string, digest: string): Promise<boolean> {
    const size = (await this.blobs.sizeOf(digest)) ?? 0
    const isGone = await removeFile(this.#entry(name, '_blobs', digest))
    if (isGone) this.#quotas.count(name, 0, -size)
    return isGone
  }

  /** Removes content that no repository has. True when it was there. */
  async removeContent(digest: string, size: number): Promise<boolean> {
    const isGone = await this.blobs.delete(digest)
    if (isGone) this.#quotas.count(undefined, -size)
    return isGone
  }

  /** All blobs or manifests of a repository, in no order. */
  async *entries(name: string, kind: '_blobs' | '_manifests'): AsyncGenerator<Entry, void> {
    const folder = join(this.#root, checked(name), kind)
    for (const algorithm of await list(folder)) {
      for (const hex of await list(join(folder, algorithm))) {
        const digest = `${algorithm}:${hex}`
        const time = isDigest(digest) ? await touchedAt(join(folder, algorithm, hex)) : undefined
        if (time !== undefined) yield { digest, touchedAt: time }
      }
    }
  }

  /** Bytes of all that a repository has. */
  async bytesOf(name: string): Promise<number> {
    let bytes = 0
    for await (const { digest } of this.entries(name, '_blobs'))
      bytes += (await this.blobs.sizeOf(digest)) ?? 0
    return bytes
  }

  /** What is known of a manifest; `undefined` when the repository does not have it. */
  async manifest(name: string, digest: string): Promise<KnownManifest | undefined> {
    const text = await readOptional(this.#entry(name, '_manifests', digest))
    if (text === undefined) return undefined
    const [mediaType = '', subject = ''] = text.split('\n')
    return { mediaType, subject: isDigest(subject) ? subject : undefined }
  }

  /** Stores a manifest in a repository, and names it by its tags. */
  async putManifest(name: string, bytes: Uint8Array, manifest: NewManifest): Promise<void> {
    const { digest, mediaType, tags, referrer } = manifest
    const content = { digest, size: bytes.byteLength }
    const isNew = !(await this.blobs.has(content))
    if (isNew) {
      this.#quotas.check(name, content.size)
      await this.blobs.write(content, [bytes])
    }
    const isNewHere = await mark(this.#entry(name, '_blobs', digest))
    this.#quotas.count(name, isNew ? content.size : 0, isNewHere ? content.size : 0)
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

  /** When a tag was last written or checked, in milliseconds since 1970. */
  async tagCheckedAt(name: string, tag: string): Promise<number | undefined> {
    return await touchedAt(this.#tag(name, tag))
  }

  /** Says that a tag was checked now. */
  async touchTag(name: string, tag: string): Promise<void> {
    await touch(this.#tag(name, tag))
  }

  /** Says that the repository is to have a blob which is not here yet. */
  async expectBlob(name: string, digest: string, size: number): Promise<void> {
    if ((await this.expectedSize(name, digest)) !== size) {
      await this.#write(this.#entry(name, '_expected', digest), String(size))
    }
  }

  /** Size of a blob that the repository is to have. */
  async expectedSize(name: string, digest: string): Promise<number | undefined> {
    const text = await readOptional(this.#entry(name, '_expected', digest))
    return text === undefined ? undefined : Number(text)
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

  #entry(name: string, kind: '_blobs' | '_manifests' | '_referrers' | '_expected', digest: string): string {
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

/** Touches what was not touched for a minute: who asks often must not write often. */
async function touchOld(path: string): Promise<void> {
  const time = await touchedAt(path)
  if (time !== undefined && Date.now() - time > 60_000) await touch(path)
}

/** Handlers check names and answer by the specification; this is the second bolt. */
function checked(name: string): string {
  if (!isRepository(name)) throw new TypeError('a repository must be checked before a path is made of it')
  return name
}
