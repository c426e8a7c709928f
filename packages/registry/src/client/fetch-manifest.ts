import { RegistryError } from '../errors.js'
import { readBody } from '../http/read-body.js'
import { Verifier } from '../blobs/verify.js'
import type { Descriptor } from '../manifest/descriptor.js'
import { digestOf, isDigest } from '../manifest/digest.js'
import { maxManifestBytes, parseManifest, type ImageIndex, type ImageManifest } from '../manifest/manifest.js'
import { acceptedManifests } from '../manifest/media-types.js'
import { formatReference } from '../reference/format-reference.js'
import type { Reference } from '../reference/reference.js'
import { repositoryScope, type Session } from './session.js'

/** A manifest or index as it came, and what it says. */
export interface FetchedManifest {
  readonly descriptor: Descriptor
  /** The bytes that have the descriptor's digest. Push or store these, never a new encoding. */
  readonly bytes: Buffer
  readonly document: ImageManifest | ImageIndex
}

/** `GET /v2/<name>/manifests/<reference>`; see `RegistryClient.manifest`. */
export async function fetchManifest(
  session: Session,
  reference: Reference,
  signal: AbortSignal | undefined,
  expected?: Descriptor,
): Promise<FetchedManifest> {
  const what = `get manifest ${formatReference(reference)}`
  const answer = await session.call({
    what,
    method: 'GET',
    target: manifestPath(reference),
    scopes: [repositoryScope(reference.repository, 'pull')],
    headers: { accept: acceptedManifests.join(', ') },
    expect: [200],
    signal,
  })
  const servedAs = (answer.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
  if (servedAs.startsWith('text/html')) {
    answer.discard()
    throw new RegistryError(
      'ERR_REGISTRY_PROTOCOL',
      `cannot ${what}: ${answer.url.host} answered a web page`,
      { status: answer.status },
    )
  }
  const bytes = await readBody(
    answer,
    what,
    expected === undefined ? maxManifestBytes : Math.min(expected.size, maxManifestBytes),
  )
  const promised = reference.digest ?? promisedDigest(answer.headers['docker-content-digest'])
  const digest = promised ?? digestOf(bytes)
  const verifier = new Verifier({ digest, size: expected?.size ?? bytes.byteLength })
  verifier.update(bytes)
  verifier.finish()
  const document = parseManifest(bytes, expected?.mediaType ?? servedAs)
  return { descriptor: { mediaType: document.mediaType, digest, size: bytes.byteLength }, bytes, document }
}

/** The path of a manifest by digest or, without one, by tag. */
export function manifestPath({ repository, tag, digest }: Reference): string {
  return `/v2/${repository}/manifests/${digest ?? tag ?? 'latest'}`
}

/** `Docker-Content-Digest`, when it is one that we can check. */
function promisedDigest(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && isDigest(header) ? header : undefined
}
