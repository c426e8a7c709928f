import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BlobStore } from '../blobs/blob-store.js'
import { removeFile, replaceFile } from '../blobs/durable.js'
import { errnoOf } from '../errors.js'
import { isDigest, parseDigest } from '../manifest/digest.js'
import { isRepository, isTag } from '../reference/parse-reference.js'

/**
 * What each repository has, in a folder: `repositories/<name>/_blobs`, `_manifests` and `_tags`. A name's own
 * parts never start with an underscore, so none can be taken for one of these. Content itself is in the blob
 * store, shared by all; a repository shows only what it has an entry for.
 */
export class Repositories {
  readonly blobs: BlobStore
  readonly #root: string

  private constructor(blobs: BlobStore, root: string) {
    this.blobs = blobs
    this.#root = root
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

  /** Lets the repository have a blob of the store. */
  async linkBlob(name: string, digest: string): Promise<void> {
    await this.#write(this.#entry(name, '_blobs', digest), '')
  }

  /** Takes the blob away from the repository. True when it had it. */
  async unlinkBlob(name: string, digest: string): Promise<boolean> {
    return await removeFile(this.#entry(name, '_blobs', digest))
  }

  /** Media type of a manifest; `undefined` when the repository does not have it. */
  async manifestType(name: string, digest: string): Promise<string | undefined> {
    return await readOptional(this.#entry(name, '_manifests', digest))
  }

  /** Lets the repository have a manifest of the store, and names it when there is a tag. */
  async putManifest(name: string, digest: string, mediaType: string, tag: string | undefined): Promise<void> {
    await this.#write(this.#entry(name, '_blobs', digest), '') // makes the repository known, even one of a bare manifest
    await this.#write(this.#entry(name, '_manifests', digest), mediaType)
    if (tag !== undefined) await this.#write(this.#tag(name, tag), digest)
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
    for (const tag of await this.tags(name)) {
      if ((await this.resolveTag(name, tag)) === digest) await this.deleteTag(name, tag)
    }
    await this.unlinkBlob(name, digest)
    return await removeFile(this.#entry(name, '_manifests', digest))
  }

  /** All tags of a repository, sorted. */
  async tags(name: string): Promise<readonly string[]> {
    return (await list(join(this.#root, checked(name), '_tags'))).filter((tag) => isTag(tag)).sort()
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

  /** Removes everything. For registries that live as long as a test. */
  async destroy(): Promise<void> {
    await rm(this.blobs.folder, { recursive: true, force: true })
  }

  #entry(name: string, kind: '_blobs' | '_manifests', digest: string): string {
    const { algorithm, hex } = parseDigest(digest)
    return join(this.#root, checked(name), kind, algorithm, hex)
  }

  #tag(name: string, tag: string): string {
    if (!isTag(tag)) throw new TypeError('a tag must be checked before a path is made of it')
    return join(this.#root, checked(name), '_tags', tag)
  }

  async #write(path: string, text: string): Promise<void> {
    await mkdir(join(path, '..'), { recursive: true })
    await replaceFile(path, text, join(this.blobs.folder, 'partial'))
  }
}

/** Handlers check names and answer by the specification; this is the second bolt. */
function checked(name: string): string {
  if (!isRepository(name)) throw new TypeError('a repository must be checked before a path is made of it')
  return name
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function list(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw error
  }
}
