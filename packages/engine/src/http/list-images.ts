import { ReferencePattern, type StoredImage } from '@ctr/registry'
import type { EngineCore } from '../core.js'
import { imageEntry, repoDigests, repoTags } from '../translate/image-documents.js'
import type { Query } from './query.js'
import { untilOf } from './until-filter.js'

const filterNames = ['before', 'dangling', 'label', 'reference', 'since', 'until']

/** Milliseconds since 1970; an image that does not say so is as old as can be. */
function createdAt({ config }: StoredImage): number {
  return Date.parse(config.created ?? '1970-01-01T00:00:00Z')
}

/**
 * The list of `GET /images/json`: images that the filters of a query ask for, the newest first.
 *
 * @throws `ApiError` 400; `RegistryError` `ERR_REGISTRY_INVALID_ARG`: a malformed pattern of references.
 */
export async function listImages(
  { runtime, images, containers }: EngineCore,
  query: Query,
): Promise<readonly Record<string, unknown>[]> {
  const filters = query.filters(filterNames)
  const patterns = filters.get('reference').map((text) => new ReferencePattern(text))
  const list = await runtime.images.list()
  const timeOf = async (name: 'before' | 'since'): Promise<number | undefined> => {
    const [wanted] = filters.get(name)
    return wanted === undefined ? undefined : createdAt(await images.get(wanted))
  }
  const before = Math.min((await timeOf('before')) ?? Number.POSITIVE_INFINITY, untilOf(filters))
  const since = (await timeOf('since')) ?? Number.NEGATIVE_INFINITY
  const used = (id: string): number =>
    containers.all().filter(({ document }) => document.imageId === id).length
  const isNamed = (name: string): boolean =>
    patterns.length === 0 || patterns.some((pattern) => pattern.matches(name))
  const sizes = runtime.images.layerSizes()
  return list
    .filter(
      (image) =>
        createdAt(image) < before &&
        createdAt(image) > since &&
        (patterns.length === 0 || [...repoTags(image), ...repoDigests(image)].some(isNamed)) &&
        filters.flag('dangling', repoTags(image).length === 0) &&
        filters.labels(image.config.config.Labels ?? {}),
    )
    .map((image): Record<string, unknown> => ({
      ...imageEntry(image, sizes, list, used(image.id)),
      // of an image with several names those that were asked for
      RepoTags: repoTags(image).filter(isNamed),
    }))
    .sort((a, b) => (b['Created'] as number) - (a['Created'] as number))
}
