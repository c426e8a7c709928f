import type { CredentialSource, Platform, StoredImage } from '@ctr/registry'
import { isRuntimeError, type Runtime } from '@ctr/runtime'
import { ApiError, badRequest } from './errors.js'
import type { EventBus } from './events/event-bus.js'
import { familiar, repoTags } from './translate/image-documents.js'
import { missingImage } from './translate/missing-image.js'

/** What `DELETE /images/{name}` tells. */
export type RemovedImage = { readonly Untagged: string } | { readonly Deleted: string }

/** Images in Docker's words, with their events. */
export class EngineImages {
  readonly #runtime: Runtime
  readonly #events: EventBus

  constructor(runtime: Runtime, events: EventBus) {
    this.#runtime = runtime
    this.#events = events
  }

  /** @throws `ApiError` 404. */
  async get(wanted: string, platform?: Platform): Promise<StoredImage> {
    try {
      return await this.#runtime.images.get(wanted, { platform })
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== 'ERR_RUNTIME_IMAGE_NOT_FOUND') throw error
      throw missingImage(wanted, error)
    }
  }

  async pull(
    reference: string,
    options: NonNullable<Parameters<Runtime['images']['pull']>[1]>,
  ): Promise<StoredImage> {
    const image = await this.#runtime.images.pull(reference, options)
    this.#events.emit('image', 'pull', reference, { name: reference.replace(/[:@][^/]*$/, '') })
    return image
  }

  /** Makes an image of an archive of files. */
  async import(...given: Parameters<Runtime['images']['import']>): Promise<StoredImage> {
    const image = await this.#runtime.images.import(...given)
    this.#emit('import', image, image.id)
    return image
  }

  async push(
    reference: string,
    options: {
      readonly platform: string | undefined
      readonly credentials: CredentialSource | undefined
      readonly signal: AbortSignal
      readonly onProgress: NonNullable<NonNullable<Parameters<Runtime['images']['push']>[1]>['onProgress']>
    },
  ): Promise<string> {
    const { digest } = await this.#runtime.images.push(reference, options)
    this.#events.emit('image', 'push', reference, { name: reference.replace(/[:@][^/]*$/, '') })
    return digest
  }

  async tag(wanted: string, name: string): Promise<void> {
    if (familiar(name).startsWith('sha256:'))
      throw badRequest('refusing to create an ambiguous tag using digest algorithm as name')
    const image = await this.get(wanted)
    await this.#runtime.images.tag(image.id, name)
    this.#emit('tag', image, familiar(name))
  }

  /** Removes a name, or with an id all of them. */
  async remove(wanted: string, { force }: { readonly force: boolean }): Promise<readonly RemovedImage[]> {
    const image = await this.get(wanted)
    const tags = repoTags(image)
    const isById = image.id.replace('sha256:', '').startsWith(wanted.replace('sha256:', ''))
    if (!isById)
      return await this.#removeOne(wanted, image).catch((error: unknown) => {
        // as Docker by force: containers keep it, without its name
        if (!force || !isRuntimeError(error) || error.code !== 'ERR_RUNTIME_IMAGE_IN_USE') throw error
        return this.#untag(wanted, image)
      })
    if (tags.length > 1 && !force) {
      throw new ApiError(
        409,
        `conflict: unable to delete ${wanted} (must be forced) - image is referenced in multiple repositories`,
      )
    }
    return await this.removeAll(image)
  }

  /**
   * Removes some platforms of an image that is here with several.
   *
   * @throws `ApiError` 404, before anything is removed: one of them is not here.
   */
  async removePlatforms(wanted: string, platforms: readonly Platform[]): Promise<readonly RemovedImage[]> {
    const images: StoredImage[] = []
    for (const platform of platforms) images.push(await this.get(wanted, platform))
    const removed: RemovedImage[] = []
    for (const [n, platform] of platforms.entries())
      removed.push(...(await this.#removeOne(wanted, images[n]!, platform)))
    return removed
  }

  /** Removes all names of an image, and with them the image. */
  async removeAll(image: StoredImage): Promise<readonly RemovedImage[]> {
    const names = image.references.length === 0 ? [image.id] : image.references
    const removed: RemovedImage[] = []
    for (const name of names) removed.push(...(await this.#removeOne(name, image)))
    return removed
  }

  async #untag(wanted: string, image: StoredImage): Promise<readonly RemovedImage[]> {
    const name = familiar(wanted)
    await this.#runtime.images.untag(wanted)
    this.#emit('untag', image, name)
    return [{ Untagged: name }]
  }

  #emit(action: string, image: StoredImage, name: string): void {
    this.#events.emit('image', action, image.id, { ...image.config.config.Labels, name })
  }

  async #removeOne(name: string, image: StoredImage, platform?: Platform): Promise<readonly RemovedImage[]> {
    const { untagged, deleted } = await this.#runtime.images.remove(name, { platform })
    for (const one of untagged) this.#emit('untag', image, familiar(one))
    for (const one of deleted) this.#events.emit('image', 'delete', one, { name: one })
    return [
      ...untagged.map((one) => ({ Untagged: familiar(one) })),
      ...deleted.map((Deleted) => ({ Deleted })),
    ]
  }
}
