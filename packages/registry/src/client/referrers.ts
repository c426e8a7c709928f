import { isRegistryError, RegistryError } from '../errors.js'
import { readBody } from '../http/read-body.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { parseDigest } from '../manifest/digest.js'
import { isIndex, maxManifestBytes, parseManifest, type ImageIndex } from '../manifest/manifest.js'
import { mediaTypes } from '../manifest/media-types.js'
import type { Reference } from '../reference/reference.js'
import { fetchManifest } from './fetch-manifest.js'
import { nextPage } from './list-names.js'
import { repositoryScope, type Session } from './session.js'

const maxPages = 1000

/**
 * `GET /v2/<name>/referrers/<digest>`, page by page; of registries without it, what the tag of the fallback
 * schema has (distribution-spec, "Listing Referrers").
 */
export async function* listReferrers(
  session: Session,
  { registry, repository }: Reference,
  digest: string,
  artifactType: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Descriptor, void> {
  const what = `list referrers of ${digest} in ${registry}/${repository}`
  const home = await session.origin(signal)
  const query = artifactType === undefined ? '' : `?${new URLSearchParams({ artifactType }).toString()}`
  let url: URL | undefined = new URL(`/v2/${repository}/referrers/${digest}${query}`, home)
  const visited = new Set<string>()
  while (url !== undefined) {
    if (visited.has(url.href) || url.origin !== home.origin || visited.size === maxPages) {
      throw new RegistryError(
        'ERR_REGISTRY_PROTOCOL',
        `cannot ${what}: the Link header leads in a circle, away, or on without an end`,
      )
    }
    visited.add(url.href)
    const scopes = [repositoryScope(repository, 'pull')]
    const headers = { accept: mediaTypes.ociIndex }
    const answer = await session.call({
      what,
      method: 'GET',
      target: url,
      scopes,
      headers,
      expect: [200, 404],
      signal,
    })
    if (answer.status === 404) {
      answer.discard()
      if (visited.size > 1) return
      yield* fitting(await fallbackReferrers(session, { registry, repository }, digest, signal), artifactType)
      return
    }
    const document = parseManifest(await readBody(answer, what, maxManifestBytes))
    if (!isIndex(document))
      throw new RegistryError('ERR_REGISTRY_PROTOCOL', `cannot ${what}: the answer is no index`)
    yield* fitting(document.manifests, artifactType) // registries need not filter
    url = nextPage(answer.headers.link, url, what)
  }
}

/** The tag under which registries without a referrers API keep the list: `sha256-` and digits. */
export function fallbackTag(digest: string): string {
  const { algorithm, hex } = parseDigest(digest)
  return `${algorithm.slice(0, 32)}-${hex.slice(0, 64)}`
}

/** What the fallback tag lists; nothing when it is not there. */
async function fallbackReferrers(
  session: Session,
  reference: Reference,
  digest: string,
  signal: AbortSignal | undefined,
): Promise<readonly Descriptor[]> {
  return (await fallbackIndex(session, reference, digest, signal))?.manifests ?? []
}

/** The index under the fallback tag. */
export async function fallbackIndex(
  session: Session,
  { registry, repository }: Reference,
  digest: string,
  signal: AbortSignal | undefined,
): Promise<ImageIndex | undefined> {
  try {
    const tag = fallbackTag(digest)
    const { document } = await fetchManifest(session, { registry, repository, tag }, signal)
    return isIndex(document) ? document : undefined
  } catch (error) {
    if (isRegistryError(error) && error.code === 'ERR_REGISTRY_NOT_FOUND') return undefined
    throw error
  }
}

/** The list with one more entry, as the bytes of an index. */
export function withReferrer(index: ImageIndex | undefined, added: Descriptor): Buffer {
  const others = (index?.manifests ?? []).filter(({ digest }) => digest !== added.digest)
  const manifests = [...others, added]
  const { annotations } = index ?? {}
  const json = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }
  return Buffer.from(JSON.stringify(annotations === undefined ? json : { ...json, annotations }))
}

function fitting(manifests: readonly Descriptor[], artifactType: string | undefined): readonly Descriptor[] {
  return artifactType === undefined
    ? manifests
    : manifests.filter((entry) => entry.artifactType === artifactType)
}
